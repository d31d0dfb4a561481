import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A private MariaDB or MySQL server on loopback, in a folder of its own. */
export interface MariaDb {
  readonly brand: "MariaDB" | "MySQL";
  readonly port: number;
  readonly folder: string;
  readonly socket: string;
  readonly version: string;
  readonly pid: number;
  /** Runs SQL as root through the server's own client, and gives its output. */
  run(sql: string): string;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same data, port and socket. */
  start(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

const packages = ["mariadb-server-core", "mariadb-client"];
const startMillis = 30_000;

/** Why MariaDB cannot be started here; `undefined` when it can. Installs it from the system's packages where that is allowed. */
export function mariaDbAbsence(): string | undefined {
  if (programs() !== undefined) return undefined;
  if (process.platform !== "linux" || !existsSync("/usr/bin/apt-get")) return "MariaDB is not installed";
  if (process.getuid?.() !== 0) return `MariaDB is not installed, and only root may install it: apt-get install ${packages.join(" ")}`;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-q"], { env, stdio: "ignore" });
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", ...packages], { env, stdio: "ignore" });
  return programs() === undefined ? "MariaDB is not installed, and installing it failed" : undefined;
}

export function brandUnderTest(): MariaDb["brand"] | undefined {
  return programs()?.brand;
}

/** The flag that leaves the server without TLS; newer ones make themselves a certificate. */
export function withoutTls(): string {
  return brandUnderTest() === "MySQL" ? "--tls-version=" : "--skip-ssl";
}

/** Starts a fresh server. `flags` are added to its command line. */
export async function startMariaDb(flags: readonly string[] = []): Promise<MariaDb> {
  const found = programs();
  if (found === undefined) throw new Error("MariaDB is not installed");
  const folder = mkdtempSync(join(tmpdir(), "tidegate-mariadb-"));
  const data = join(folder, "data");
  const socket = join(folder, "s.sock");
  const user = unprivileged();
  mkdirSync(data);
  if (user !== undefined) for (const path of [folder, data]) chownSync(path, user.uid, user.gid);
  // A server that starts removes what it takes for old temporary tables, also those of one that runs.
  const env = { ...process.env, TMPDIR: folder };
  const [install, empty] = found.install(data);
  execFileSync(install, empty, { ...user, env, stdio: "ignore", cwd: folder });
  const port = await freePort();
  const own = ["--no-defaults", `--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, "--bind-address=127.0.0.1"];
  const log = join(folder, "log");
  let server: ChildProcess | undefined;
  const start = async () => {
    const child = spawn(found.server, [...own, ...found.flags, `--log-error=${log}`, ...flags], {
      ...user,
      env,
      stdio: "ignore",
      cwd: folder,
    });
    server = child;
    // A test that ends before its time leaves no server behind.
    process.once("exit", () => void child.kill("SIGKILL"));
    await listening(port, server, log);
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server?.once("exit", resolve));
    server.kill(signal);
    await gone;
  };
  await start();
  const run = (sql: string) =>
    execFileSync(found.client, ["--no-defaults", found.plain, `--socket=${socket}`, "--user=root", "--batch", "--skip-column-names"], {
      ...user,
      cwd: folder,
      input: sql,
      encoding: "utf8",
    });
  return {
    brand: found.brand,
    port,
    folder,
    socket,
    version: run("select version()").trim(),
    get pid() {
      return server?.pid ?? -1;
    },
    run,
    kill: () => end("SIGKILL"),
    start,
    async stop() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Programs {
  readonly brand: MariaDb["brand"];
  readonly server: string;
  readonly client: string;
  /** The command that makes an empty data folder, whose root has no password. */
  install(data: string): readonly [program: string, args: readonly string[]];
  readonly flags: readonly string[];
  /** The client's flag for no TLS, which a socket does not need. */
  readonly plain: string;
}

const tuning = ["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"];

/** The programs under test: those that `npm run test:engines` names, or MariaDB's of the system. */
function programs(): Programs | undefined {
  const named = process.env.TIDEGATE_TEST_MYSQL;
  const folders = named?.split(":") ?? ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
  const find = (name: string) => folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return mariaDb(find) ?? (named === undefined ? undefined : mysql(find));
}

function mariaDb(find: (name: string) => string | undefined): Programs | undefined {
  const [server, client, install] = [find("mariadbd"), find("mariadb"), find("mariadb-install-db")];
  if (!(server && client && install)) return undefined;
  const empty = (data: string) => ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"];
  return { brand: "MariaDB", server, client, install: (data) => [install, empty(data)], flags: tuning, plain: "--skip-ssl" };
}

function mysql(find: (name: string) => string | undefined): Programs | undefined {
  const [server, client] = [find("mysqld"), find("mysql")];
  if (!(server && client)) return undefined;
  // It may not be allowed native AIO, its second protocol would take a second port, and its folder for files is the system's.
  const flags = ["--innodb-use-native-aio=0", "--mysqlx=OFF", "--secure-file-priv="];
  const empty = (data: string) => ["--no-defaults", "--initialize-insecure", ...flags, `--datadir=${data}`];
  return {
    brand: "MySQL",
    server,
    client,
    install: (data) => [server, empty(data)],
    flags: [...tuning, ...flags],
    plain: "--ssl-mode=DISABLED",
  };
}

/** Neither runs as root. */
export function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((what) => Number(execFileSync("id", [what, "nobody"], { encoding: "utf8" })));
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function listening(port: number, server: ChildProcess, log: string): Promise<void> {
  for (const end = Date.now() + startMillis; Date.now() < end; await sleep(50)) {
    if (server.exitCode !== null) break;
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("data", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
    });
    if (answered) return;
  }
  server.kill("SIGKILL");
  throw new Error(`MariaDB did not start: ${existsSync(log) ? readFileSync(log, "utf8").slice(-2000) : "it wrote no log"}`);
}

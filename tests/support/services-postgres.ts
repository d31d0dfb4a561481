import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "../../core/contract/driver.ts";
import type { Absent } from "./services-folder.ts";

/** A PostgreSQL server of our own: nothing of it is left when it has stopped. */
export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  /** Where its programs are, psql among them. */
  readonly bin: string;
  readonly password: string;
  target(database: string, more?: Partial<Target>): Target;
  /** Runs SQL as the superuser and gives psql's unaligned answer. */
  psql(sql: string, database?: string): string;
  /** Ends the server at once, as a crash would. */
  crash(): Promise<void>;
  /** Ends it in good order, and every session with it. */
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

type Settings = Readonly<Record<string, string>>;

const packaged = "/usr/lib/postgresql";
const user = "tidegate";
/** Debian's own account for it; any that is not root would do. */
const account = "postgres";

/** Where the programs of the server under test are: those `npm run test:engines` names, or those of the system. */
export function findPostgres(): string | Absent {
  return process.env.TIDEGATE_TEST_POSTGRES ?? systemPostgres();
}

/** Of which major version the programs are. */
export function majorOf(bin: string): number {
  return Number(/\d+/.exec(execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" }))?.[0]);
}

/** The pgbouncer under test, found the same way. */
export function findPooler(): string | undefined {
  const places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
  return process.env.TIDEGATE_TEST_PGBOUNCER ?? places.find((path) => existsSync(path));
}

/** PostgreSQL 15 of the system first, then any other; installed when that is allowed. */
export function systemPostgres(): string | Absent {
  const found = installed();
  if (found !== undefined) return found;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    return { absent: "PostgreSQL is not installed, and only root on Debian may install it" };
  }
  try {
    execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "postgresql"], {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  } catch {
    return { absent: "PostgreSQL is not installed, and its package could not be" };
  }
  return installed() ?? { absent: "The package of PostgreSQL brought no server" };
}

function installed(): string | undefined {
  if (!existsSync(packaged)) return undefined;
  const versions = readdirSync(packaged).sort((a, b) => Number(b === "15") - Number(a === "15") || Number(b) - Number(a));
  return versions.map((version) => join(packaged, version, "bin")).find((bin) => existsSync(join(bin, "postgres")));
}

/** Starts a private server on a free port, with a password and with unix sockets in its folder. */
export async function startPostgres(bin: string, settings: Settings = {}): Promise<PostgresServer> {
  const folder = privateFolder();
  const password = `canary-${Math.random().toString(36).slice(2)}`;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`);
  const own = ["-D", join(folder, "data"), "-U", user, "-A", "scram-sha-256", `--pwfile=${passwordFile}`];
  execFileSync(join(bin, "initdb"), [...own, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], {
    ...unprivileged(),
    stdio: "ignore",
    cwd: folder,
  });
  return await begin({ bin, folder, password, port: await freePort(), settings });
}

/** Starts a server that follows `primary` and answers what only reads. `primary` ends for a moment, to be copied. */
export async function startStandby(primary: PostgresServer, settings: Settings = {}): Promise<PostgresServer> {
  const folder = privateFolder();
  await primary.halt();
  execFileSync("cp", ["-a", join(primary.folder, "data"), join(folder, "data")]);
  await primary.start();
  writeFileSync(join(folder, "data", "standby.signal"), "");
  const { bin, password } = primary;
  const follow = { primary_conninfo: `host=${primary.folder} port=${primary.port} user=${user} password=${password}` };
  return await begin({ bin, folder, password, port: await freePort(), settings: { ...follow, ...settings } });
}

/** A folder that belongs to whom the server runs as. */
function privateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-pg-"));
  const { uid, gid } = unprivileged();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  chmodSync(folder, 0o755);
  return folder;
}

interface Place {
  readonly bin: string;
  readonly folder: string;
  readonly password: string;
  readonly port: number;
  readonly settings: Settings;
}

async function begin(place: Place): Promise<PostgresServer> {
  const { bin, folder, password, port } = place;
  const data = join(folder, "data");
  const end = async (signal: "SIGINT" | "SIGKILL") => {
    const pid = serverPid(data);
    if (pid === undefined) return;
    // Its children would go on for a while, and keep the next start from the memory they share.
    const family = [pid, ...(signal === "SIGKILL" ? childrenOf(pid) : [])];
    for (const member of family.filter(alive)) process.kill(member, signal);
    await until(
      () => !family.some(alive),
      () => `PostgreSQL ${pid} does not stop`,
    );
    rmSync(join(data, "postmaster.pid"), { force: true });
  };
  const server: PostgresServer = {
    port,
    folder,
    bin,
    password,
    target: (database, more = {}) => ({
      scheme: "postgres",
      location: `127.0.0.1:${port}/${database}`,
      options: {},
      user,
      password: { reveal: () => password },
      ...more,
    }),
    psql: (sql, database = "postgres") => psql(place, sql, database),
    crash: () => end("SIGKILL"),
    halt: () => end("SIGINT"),
    start: () => launch(place),
    async stop() {
      await end("SIGINT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function launch({ bin, folder, port, settings }: Place): Promise<void> {
  const log = join(folder, "log");
  const all = {
    port: String(port),
    unix_socket_directories: folder,
    listen_addresses: "127.0.0.1",
    fsync: "off",
    max_connections: "60",
    ...settings,
  };
  const parameters = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const output = openSync(log, "a");
  const child = spawn(join(bin, "postgres"), ["-D", join(folder, "data"), ...parameters], {
    ...unprivileged(),
    stdio: ["ignore", output, output],
    detached: true,
    cwd: folder,
  });
  closeSync(output);
  child.unref();
  // A test that ends before its time leaves no server behind.
  process.once("exit", () => void child.kill("SIGQUIT"));
  await until(
    () => existsSync(join(folder, `.s.PGSQL.${port}`)) && ready(bin, folder, port),
    () => `PostgreSQL does not start: ${readFileSync(log, "utf8").slice(-500)}`,
  );
}

function psql({ bin, folder, port, password }: Place, sql: string, database: string): string {
  const where = ["-h", folder, "-p", String(port), "-U", user, "-d", database];
  const env = { ...process.env, PGPASSWORD: password };
  return execFileSync(join(bin, "psql"), ["-XAtq", "-v", "ON_ERROR_STOP=1", ...where, "-f", "-"], {
    input: sql,
    encoding: "utf8",
    env,
  }).trim();
}

/** Whom servers run as: none of them wants to be root. */
export function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${account}:`));
  const [, , uid, gid] = (line ?? "nobody:x:65534:65534").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

function serverPid(data: string): number | undefined {
  const file = join(data, "postmaster.pid");
  return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : undefined;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \([^)]*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function ready(bin: string, folder: string, port: number): boolean {
  try {
    execFileSync(join(bin, "pg_isready"), ["-q", "-h", folder, "-p", String(port)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function until(reached: () => boolean, failure: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(failure());
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("No free port"))));
    });
  });
}

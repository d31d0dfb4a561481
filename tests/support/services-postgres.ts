import { execFileSync, spawn } from "node:child_process";
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "../../core/contract/driver.ts";

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
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Absent {
  /** Why there is no server, in words. */
  readonly absent: string;
}

const packaged = "/usr/lib/postgresql";
const user = "tidegate";
/** Debian's own account for it; any that is not root would do. */
const account = "postgres";

/** Where a server's programs are: PostgreSQL 15 of the system first, then any other; installed when that is allowed. */
export function findPostgres(): string | Absent {
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
export async function startPostgres(bin: string, settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-pg-"));
  const data = join(folder, "data");
  const password = `canary-${Math.random().toString(36).slice(2)}`;
  const port = await freePort();
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`);
  chmodSync(folder, 0o755);
  const as = unprivileged();
  if (as.uid !== undefined) execFileSync("chown", ["-R", account, folder]);
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", user, "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
    {
      ...as,
      stdio: "ignore",
      cwd: folder,
    },
  );
  const options = {
    port: String(port),
    unix_socket_directories: folder,
    listen_addresses: "127.0.0.1",
    fsync: "off",
    max_connections: "60",
    ...settings,
  };
  const stopServer = () => {
    const pid = serverPid(data);
    if (pid !== undefined) process.kill(pid, "SIGINT");
    return gone(data);
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
    psql: (sql, database = "postgres") =>
      execFileSync(
        join(bin, "psql"),
        ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", folder, "-p", String(port), "-U", user, "-d", database, "-f", "-"],
        {
          input: sql,
          encoding: "utf8",
          env: { ...process.env, PGPASSWORD: password },
        },
      ).trim(),
    async crash() {
      const pid = serverPid(data);
      if (pid === undefined) return;
      // Its children would go on for a while, and keep the next start from the memory they share.
      const family = [pid, ...childrenOf(pid)];
      for (const member of family) process.kill(member, "SIGKILL");
      await gone(data);
      await until(
        () => !family.some(alive),
        () => "PostgreSQL does not die",
      );
    },
    async start() {
      const log = join(folder, "log");
      const parameters = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
      const output = openSync(log, "a");
      const child = spawn(join(bin, "postgres"), ["-D", data, ...parameters], {
        ...as,
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
    },
    async stop() {
      await stopServer();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

function unprivileged(): { readonly uid?: number; readonly gid?: number } {
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

/** Waits until the process that the pid file names is no more. */
async function gone(data: string): Promise<void> {
  const pid = serverPid(data);
  if (pid === undefined) return;
  await until(
    () => !alive(pid),
    () => `PostgreSQL ${pid} does not stop`,
  );
  rmSync(join(data, "postmaster.pid"), { force: true });
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

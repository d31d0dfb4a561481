import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A private SSH server on loopback that lets one key in, in a folder of its own. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  readonly folder: string;
  /** The private key it lets in. */
  readonly key: string;
  /** A file that knows its host key. */
  readonly knownHosts: string;
  /** Ends the server and every session of it at once. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const program = "/usr/sbin/sshd";
const startMillis = 10_000;

/** Why there is no SSH server here; `undefined` when there is. Installs it from the system's packages where that is allowed. */
export function sshdAbsence(): string | undefined {
  const missing = () => (existsSync(program) && existsSync("/usr/bin/ssh") ? undefined : "OpenSSH's client and server are not installed");
  if (missing() === undefined || process.platform !== "linux" || !existsSync("/usr/bin/apt-get")) return missing();
  if (process.getuid?.() !== 0) return `${missing()}, and only root may install them`;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "openssh-client", "openssh-server"], { env, stdio: "ignore" });
  return missing();
}

/** Makes a key pair without a passphrase, and gives the path of its private half. */
export function makeKey(folder: string, name: string, passphrase = ""): string {
  const path = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", path]);
  return path;
}

/** Starts a server; `settings` are lines of its configuration, which win over the usual ones. */
export async function startSshd(settings: readonly string[] = []): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-sshd-"));
  const port = await freePort();
  const hostKey = makeKey(folder, "host_key");
  const key = makeKey(folder, "user_key");
  writeFileSync(join(folder, "authorized_keys"), readFileSync(`${key}.pub`));
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, `[127.0.0.1]:${port},[localhost]:${port} ${readFileSync(`${hostKey}.pub`, "utf8")}`);
  const config = join(folder, "sshd_config");
  writeFileSync(config, [...settings, ...usual(folder, port, hostKey)].join("\n"));
  // Where root's server parts with its rights; made by the system's own start otherwise.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  let server: ChildProcess | undefined;
  const kill = async () => {
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server?.once("exit", resolve));
    for (const pid of [...descendants(server.pid), server.pid]) end(pid);
    await gone;
  };
  const start = async () => {
    server = spawn(program, ["-D", "-e", "-f", config], { stdio: "ignore" });
    await listening(port, server);
  };
  await start();
  return {
    port,
    user: execFileSync("id", ["-un"], { encoding: "utf8" }).trim(),
    folder,
    key,
    knownHosts,
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function usual(folder: string, port: number, hostKey: string): string[] {
  return [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "AllowTcpForwarding yes",
    "AllowStreamLocalForwarding yes",
    "",
  ];
}

/** Every process that `pid` started, and those they started. */
export function descendants(pid: number): number[] {
  const own = readIfThere(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
  return own.flatMap((child) => [child, ...descendants(child)]);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself since it was seen.
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function listening(port: number, server: ChildProcess): Promise<void> {
  for (const end = Date.now() + startMillis; Date.now() < end && server.exitCode === null; await sleep(20)) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket
        .once("data", () => resolve(true))
        .once("error", () => resolve(false))
        .once("close", () => resolve(false));
    });
    if (answered) return;
  }
  server.kill("SIGKILL");
  throw new Error("sshd did not start");
}

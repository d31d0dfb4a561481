import { type ChildProcess, spawn } from "node:child_process";
import type { EventEmitter } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SshConfig } from "../../config/config.ts";
import type { Endpoint } from "../../contract/driver.ts";
import { type Problem, problem } from "../../problem.ts";
import { configText, sshCommand } from "./command.ts";
import { refusedAtFarEnd, route, tunnelProblem } from "./failure.ts";

const openMillis = 60_000;
const closeMillis = 2000;
/** A driver that tries several ways of one server asks for its tunnel again at once. */
const failedMillis = 50;
/** How long the last words of `ssh` may take to arrive once it has ended. */
const graceMillis = 200;
/** What `ssh` says of a connection can arrive just after the connection has ended. */
const sayMillis = 50;

/** The tunnels of one connection: one for each server it names, opened when first used, opened again when it died. */
export interface Tunnels {
  /** The near end of the tunnel to a server. @throws CONNECTION_FAILED, CREDENTIALS_REJECTED in the words of SSH */
  reach(to: Endpoint, signal: AbortSignal): Promise<Endpoint>;
  /** Why the far end refused a connection just now, if it did. */
  refusal(): Promise<Problem | undefined>;
  /** How many tunnels that stood have ended: one that ends while it is used looks like a database that does not answer. */
  readonly deaths: number;
  close(): Promise<void>;
}

interface Tunnel {
  readonly to: Endpoint;
  /** The near end, once it listens. */
  readonly opened: Promise<Endpoint>;
  /** What `ssh` has said lately. */
  said: string;
  over: boolean;
  close(): Promise<void>;
}

export function createTunnels(ssh: SshConfig): Tunnels {
  const tunnels = new Map<string, Tunnel>();
  let closed = false;
  let deaths = 0;

  const open = (key: string, to: Endpoint): Tunnel => {
    const forget = () => {
      if (tunnels.get(key) === tunnel) tunnels.delete(key);
    };
    const tunnel = openTunnel(ssh, to, () => {
      deaths++;
      forget();
    });
    tunnel.opened.catch(() => setTimeout(forget, failedMillis).unref?.());
    tunnels.set(key, tunnel);
    return tunnel;
  };

  return {
    async reach(to, signal) {
      if (closed) throw problem("CONNECTION_FAILED", `The SSH tunnel over "${route(ssh)}" is closed`);
      const key = "path" in to ? to.path : `${to.host}:${to.port}`;
      const tunnel = tunnels.get(key) ?? open(key, to);
      const left = Promise.withResolvers<never>();
      const leave = () => left.reject(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
      try {
        signal.throwIfAborted();
        return await Promise.race([tunnel.opened, left.promise]);
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
    get deaths() {
      return deaths;
    },
    async refusal() {
      await sleep(sayMillis);
      for (const tunnel of tunnels.values()) {
        const { said, to } = tunnel;
        tunnel.said = "";
        const refused = refusedAtFarEnd(ssh, said, to);
        if (refused !== undefined) return refused;
      }
      return undefined;
    },
    async close() {
      closed = true;
      await Promise.all([...tunnels.values()].map((tunnel) => tunnel.close()));
    },
  };
}

/** Starts `ssh`. `ended` is called when a tunnel that stood is no more. */
function openTunnel(ssh: SshConfig, to: Endpoint, ended: () => void): Tunnel {
  checkEndpoint(to);
  checkIdentity(ssh);
  const folder = mkdtempSync(join(tmpdir(), "tidegate-ssh-"));
  writeFileSync(join(folder, "config"), configText(ssh), { mode: 0o600 });
  const [program = "", ...args] = sshCommand(ssh, { folder, to });
  // A group of its own has no terminal that ssh could ask for a password, and does not hear Ctrl-C before we do.
  const child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"], env: sshEnvironment() });
  const { promise: opened, resolve, reject } = Promise.withResolvers<Endpoint>();
  const ending = Promise.withResolvers<void>();
  const late = setTimeout(() => void tunnel.close(), openMillis);
  const tunnel: Tunnel = { to, opened, said: "", over: false, close: () => close(child, ending.promise) };
  child.stdin.on("error", () => undefined); // The end of a tunnel is reported once, by "close".
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    tunnel.said = `${tunnel.said}${text}`.slice(-4000);
  });
  child.stdout.once("data", () => {
    clearTimeout(late);
    tunnel.said = "";
    resolve({ path: join(folder, "s") });
  });
  const end = (why: Problem) => {
    if (tunnel.over) return;
    tunnel.over = true;
    clearTimeout(late);
    child.stdout.destroy();
    child.stderr.destroy();
    rmSync(folder, { recursive: true, force: true });
    reject(why);
    void opened.then(ended, () => undefined);
    ending.resolve();
  };
  const finish = (code: number | null) => end(tunnelProblem(ssh, tunnel.said, code));
  // Deno's types leave out that a process is an emitter.
  const process = child as unknown as EventEmitter;
  process.once("close", finish);
  // What a ProxyCommand left running may hold the pipes open for ever.
  process.once("exit", (code: number | null) => setTimeout(finish, graceMillis, code));
  process.once("error", (error: Error) => {
    end(problem("UNSUPPORTED", `Cannot start "${program}", which runs ssh`, "Use a system that has it: Linux, macOS or WSL", error));
  });
  return tunnel;
}

/** The shell around `ssh` ends it when nobody holds its standard input any more. */
async function close(child: ChildProcess, ending: Promise<void>): Promise<void> {
  child.stdin?.end();
  const late = setTimeout(() => endGroup(child), closeMillis);
  await ending;
  clearTimeout(late);
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended just now.
  }
}

/** What a target names goes onto a command line. */
function checkEndpoint(to: Endpoint): void {
  const fits = "path" in to ? /^\/[\w./+@,=~-]*$/.test(to.path) : /^(?:\w|::)[\w.:-]*$/.test(to.host);
  if (fits) return;
  const shown = "path" in to ? to.path : to.host;
  throw problem("INPUT_INVALID", `No SSH tunnel leads to "${shown}"`, "Name a host, or the path of a socket, without other characters");
}

/** `ssh` would go on without it, and say only that no key was accepted. */
function checkIdentity({ identity }: SshConfig): void {
  if (identity === undefined) return;
  try {
    accessSync(identity, constants.R_OK);
  } catch (error) {
    throw problem("CONFIG_INVALID", `Cannot read the SSH key "${identity}"`, "Name the file of a private key in ssh.identity", error);
  }
}

function sshEnvironment(): NodeJS.ProcessEnv {
  const { SSH_ASKPASS: _, DISPLAY: __, ...rest } = process.env;
  return { ...rest, SHELL: "/bin/sh", SSH_ASKPASS_REQUIRE: "never" };
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** A keyring of our own on a session bus of our own: nothing of it is left when it has stopped. */
export interface Keyring {
  /** What a program needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): void;
}

const programs = ["dbus-daemon", "gnome-keyring-daemon"];

/** Why there can be none here; `undefined` when there can. */
export function keyringAbsence(): string | undefined {
  if (process.platform !== "linux") return "a private keyring can be started on Linux only";
  const missing = () => programs.filter((program) => !exists(program));
  if (missing().length > 0 && process.getuid?.() === 0 && exists("apt-get")) {
    try {
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "dbus-daemon", "gnome-keyring"], { stdio: "ignore", env });
    } catch {
      // Said below, by what is missing still.
    }
  }
  const [first] = missing();
  return first === undefined ? undefined : `${first} is not installed`;
}

/** Starts a bus and an unlocked keyring that keeps its files in `folder`. */
export async function startKeyring(folder: string): Promise<Keyring> {
  const data = join(folder, "keyring");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const base = { PATH: process.env.PATH ?? "", HOME: folder, XDG_DATA_HOME: data, XDG_RUNTIME_DIR: data };
  const bus = spawn("dbus-daemon", ["--session", "--nofork", "--print-address=1", `--address=unix:path=${join(data, "bus")}`], {
    env: base,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const address = await firstLine(bus);
  const env = { DBUS_SESSION_BUS_ADDRESS: address };
  const keyring = spawn("gnome-keyring-daemon", ["--foreground", "--unlock", "--components=secrets"], {
    env: { ...base, ...env },
    stdio: ["pipe", "ignore", "ignore"],
  });
  keyring.stdin.end("master");
  // It says nothing; the keyring it makes and unlocks is there when it is ready.
  while (!existsSync(join(data, "keyrings/login.keyring"))) {
    if (keyring.exitCode !== null) throw new Error("gnome-keyring-daemon ended before it was ready");
    await sleep(20);
  }
  return {
    env,
    stop() {
      keyring.kill();
      bus.kill();
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) return "";
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`${child.spawnfile} ended before it was ready`);
}

function exists(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

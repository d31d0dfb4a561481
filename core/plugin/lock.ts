import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { problem } from "../problem.ts";
import { chooseEntry, isPluginName, type PluginEntry, type PluginIndex } from "./catalogue.ts";
import { diskProblem } from "./disk.ts";
import { platform } from "./manifest.ts";
import { brief } from "./unpack.ts";

/** `tidegate-plugins.lock`: the plugins of a project, the same for everyone who works on it. */
export interface Lock {
  readonly schema: 1;
  readonly plugins: Readonly<Record<string, Pin>>;
}

export interface Pin {
  readonly version: string;
  /** sha256 of the archive for each platform. */
  readonly archives: Readonly<Record<string, string>>;
}

export const lockFile = "tidegate-plugins.lock";

/** A change takes a few milliseconds. */
const [turnMillis, longestTurnMillis] = [10, 5000];

/** Reads the lock file of a folder; `undefined` when there is none. @throws CONFIG_INVALID */
export function readLock(folder: string): Lock | undefined {
  const path = join(folder, lockFile);
  try {
    const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
    const pins = Object.entries(lock?.plugins ?? {});
    if (lock?.schema === 1 && pins.every(([name, pin]) => isPluginName(name) && isPin(pin))) return lock;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code !== undefined)
      throw problem("CONFIG_INVALID", `Cannot read "${path}": the system says ${code}`, "Give yourself the right to read it", error);
  }
  throw problem(
    "CONFIG_INVALID",
    `Cannot read "${path}": it is not a list of pinned plugins`,
    "Restore it, or remove it and install the plugins again",
  );
}

/** Pins a version for every platform the index has it for, so that the lock holds on other machines. */
export function pinned(lock: Lock | undefined, { plugins }: PluginIndex, { name, version }: PluginEntry): Lock {
  const same = plugins.filter((entry) => entry.name === name && entry.version === version);
  const archives = Object.fromEntries(same.map((entry) => [entry.platform, entry.sha256]).sort());
  return withPin(lock, name, { version, archives });
}

/** The lock with another pin for one plugin, or with none. Sorted, so that differences in it are real ones. */
export function withPin(lock: Lock | undefined, name: string, pin: Pin | undefined): Lock {
  const others = Object.entries(lock?.plugins ?? {}).filter(([other]) => other !== name);
  const pins = pin === undefined ? others : [...others, [name, pin] as const];
  return { schema: 1, plugins: Object.fromEntries(pins.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Replaces the lock file of a folder by what `change` makes of it. Processes that do so at once take turns. @throws FORBIDDEN, LIMIT_EXCEEDED */
export async function changeLock(folder: string, change: (lock: Lock | undefined) => Lock, signal: AbortSignal): Promise<void> {
  const path = join(folder, lockFile);
  const turn = join(folder, `.${lockFile}.busy`);
  try {
    while (!isTaken(turn)) await sleep(turnMillis, undefined, { signal });
    try {
      const temporary = `${path}.${process.pid}.tmp`;
      writeFileSync(temporary, `${JSON.stringify(change(readLock(folder)), null, 2)}\n`);
      renameSync(temporary, path);
    } finally {
      rmSync(turn, { force: true });
    }
  } catch (error) {
    signal.throwIfAborted();
    throw diskProblem(error, { failed: `Cannot write "${path}"` });
  }
}

/** False while another process has the turn; one that was ended does not keep it. */
function isTaken(turn: string): boolean {
  try {
    writeFileSync(turn, "", { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const since = statSync(turn, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > longestTurnMillis) rmSync(turn, { force: true });
    return false;
  }
}

/** The very archive that a lock pins. @throws NOT_FOUND, PLUGIN_INVALID when the registry has another archive under that version */
export function pinnedEntry(index: PluginIndex, name: string, pin: Pin): PluginEntry {
  const entry = chooseEntry(index, name, pin.version);
  const wanted = pin.archives[entry.platform];
  if (wanted === entry.sha256) return entry;
  const why =
    wanted === undefined
      ? `it pins no archive for ${platform()}`
      : `it pins ${name} ${pin.version} with sha256 ${brief(wanted)}, the registry has ${brief(entry.sha256)}`;
  throw problem(
    "PLUGIN_INVALID",
    `Cannot follow ${lockFile}: ${why}`,
    `Use the registry it was written with, or pin anew: tidegate plugin install ${name}`,
  );
}

function isPin(pin: Partial<Pin> | null): boolean {
  return typeof pin?.version === "string" && typeof pin.archives === "object" && pin.archives !== null;
}

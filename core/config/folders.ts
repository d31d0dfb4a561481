import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { problem } from "../problem.ts";

/** Environment variables by name, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where tidegate keeps things, as absolute paths. Nothing is created, except a private temporary folder for an account without a home. */
export interface Folders {
  /** Absent when the account has none. */
  readonly home?: string;
  /** The user's own `config.yaml`. */
  readonly config: string;
  /** Installed plugins. */
  readonly data: string;
  /** Traces, audit and exports: kept, but of this machine only. */
  readonly state: string;
  /** What can be made again. */
  readonly cache: string;
}

/** Reads the folders from TIDEGATE_*_DIR, then XDG_*_HOME, then the home folder. @throws CONFIG_INVALID when a shared temporary folder is not ours. */
export function resolveFolders(env: Environment, cwd: string): Folders {
  const home = homeFolder(env);
  const place = (name: string, xdg: string | undefined, inHome: string): string => {
    if (xdg && isAbsolute(xdg)) return join(xdg, "tidegate");
    if (process.platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "tidegate", name);
    return home === undefined ? join(temporaryHome(), name) : join(home, inHome, "tidegate");
  };
  return {
    ...(home !== undefined && { home }),
    config: place("config", env.XDG_CONFIG_HOME, ".config"),
    data: env.TIDEGATE_DATA_DIR ? resolve(cwd, env.TIDEGATE_DATA_DIR) : place("data", env.XDG_DATA_HOME, ".local/share"),
    state: env.TIDEGATE_STATE_DIR ? resolve(cwd, env.TIDEGATE_STATE_DIR) : place("state", env.XDG_STATE_HOME, ".local/state"),
    cache: env.TIDEGATE_CACHE_DIR ? resolve(cwd, env.TIDEGATE_CACHE_DIR) : place("cache", env.XDG_CACHE_HOME, ".cache"),
  };
}

function homeFolder(env: Environment): string | undefined {
  const named = env.HOME || env.USERPROFILE;
  if (named && isAbsolute(named)) return named;
  try {
    // Accounts of services name a home that was never made.
    const { homedir } = userInfo();
    return existsSync(homedir) ? homedir : undefined;
  } catch {
    // A user id without an account, as containers have.
    return undefined;
  }
}

/** A folder of our own below the shared temporary one; anyone could have made it before us, so its owner is checked. */
function temporaryHome(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `tidegate-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const facts = lstatSync(folder);
  if (facts.isDirectory() && (process.getuid === undefined || (facts.uid === uid && (facts.mode & 0o022) === 0))) return folder;
  throw problem("CONFIG_INVALID", `Cannot use the folder "${folder}": another user can write to it`, "Set HOME to a folder of your own");
}

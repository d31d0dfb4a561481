import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** A cache folder: `base` is taken as the user gave it, every folder below it must be private. */
export interface Place {
  readonly base: string;
  readonly below: readonly string[];
}

/** Cache folders to try, best first, where the rest of tidegate has its cache as well; none of them needs to exist yet. */
export function cachePlaces(env: NodeJS.ProcessEnv = process.env): Place[] {
  const home = homeFolder(env);
  const places: Place[] = [];
  if (env.TIDEGATE_CACHE_DIR) places.push({ base: resolve(env.TIDEGATE_CACHE_DIR), below: [] });
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) places.push({ base: env.XDG_CACHE_HOME, below: ["tidegate"] });
  else if (process.platform === "win32" && env.LOCALAPPDATA) places.push({ base: env.LOCALAPPDATA, below: ["tidegate", "cache"] });
  else if (home !== undefined) places.push({ base: join(home, ".cache"), below: ["tidegate"] });
  places.push({ base: tmpdir(), below: [`tidegate-${process.getuid?.() ?? 0}`, "cache"] });
  return places;
}

/** Creates what is missing of the place and of `names` below it, and returns the innermost folder. Throws when one is not private. */
export function claimFolder({ base, below }: Place, ...names: readonly string[]): string {
  mkdirSync(base, { recursive: true, mode: 0o700 });
  let folder = base;
  for (const name of [...below, ...names]) {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    requirePrivate(folder);
  }
  return folder;
}

function homeFolder(env: NodeJS.ProcessEnv): string | undefined {
  const named = env.HOME || env.USERPROFILE;
  if (named && isAbsolute(named)) return named;
  try {
    return userInfo().homedir || undefined;
  } catch {
    // A user id without an account, as containers have.
    return undefined;
  }
}

/** Code is loaded from here, so nobody but us and root may be able to put a file in. */
function requirePrivate(folder: string): void {
  const facts = lstatSync(folder);
  if (!facts.isDirectory()) throw new Error(`"${folder}" is not a folder`);
  const user = process.getuid?.();
  if (user === undefined) return;
  if (facts.uid !== user && facts.uid !== 0) throw new Error(`"${folder}" belongs to another user`);
  if (facts.mode & 0o022) throw new Error(`"${folder}" can be written by other users`);
}

import { lstatSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { problem } from "../problem.ts";
import type { Environment, Folders } from "./folders.ts";

/** A file to read, and how far it is trusted. */
export interface ConfigFile {
  readonly path: string;
  /** `project` files are found by where one stands, so they may not name code to run. */
  readonly kind: "named" | "project" | "user";
  /** The path as messages show it. */
  readonly shown: string;
}

const projectName = "tidegate.yaml";

/** The files to read, the weakest first. A named file stands alone. @throws CONFIG_INVALID for a project file of another user. */
export function findConfigFiles(where: {
  readonly cwd: string;
  readonly env: Environment;
  readonly folders: Folders;
  readonly named?: string | undefined;
}): ConfigFile[] {
  const { cwd, env, folders, named } = where;
  const file = (kind: ConfigFile["kind"], path: string): ConfigFile => ({ kind, path, shown: shownPath(path, cwd) });
  if (named) return [file("named", resolve(cwd, named))];
  const user = join(folders.config, "config.yaml");
  const project = findProjectFile(cwd, folders.home);
  if (project !== undefined) refuseForeign(file("project", project), env);
  return [...(exists(user) ? [file("user", user)] : []), ...(project === undefined ? [] : [file("project", project)])];
}

/** A path as seen from the working folder, or whole when it lies elsewhere. */
export function shownPath(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? path : near;
}

/** Looks in the working folder, then upwards to a repository's root, the home folder or the top. */
function findProjectFile(cwd: string, home: string | undefined): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, projectName);
    if (exists(path)) return path;
    if (folder === home || folder === dirname(folder) || exists(join(folder, ".git"))) return undefined;
  }
}

/** Whoever owns the file or its folder could point our commands elsewhere; only we and root may. */
function refuseForeign({ path, shown }: ConfigFile, env: Environment): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const trusted = [uid, 0, ...(uid === 0 && env.SUDO_UID ? [Number(env.SUDO_UID)] : [])];
  const foreign = [entry(dirname(path)), entry(path), statSync(path, { throwIfNoEntry: false })].find(
    (facts) => facts !== undefined && !trusted.includes(facts.uid),
  );
  if (foreign === undefined) return;
  const option = shown.includes(sep) ? path : `./${shown}`;
  throw problem(
    "CONFIG_INVALID",
    `Cannot load ${shown}: it or its folder belongs to another user (id ${foreign.uid})`,
    `If you trust it, run with --config ${option}`,
  );
}

function exists(path: string): boolean {
  return entry(path) !== undefined;
}

/** A link counts by itself: one that leads nowhere is reported when it is read, not passed over. */
function entry(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // A folder that may not be searched holds nothing for us.
    return undefined;
  }
}

import { lstatSync, realpathSync, type Stats } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { type Problem, problem } from "../problem.ts";
import { diskProblem } from "./disk-problem.ts";

/**
 * Resolves a caller's file name inside a folder and returns the real path. Refused are `..`, absolute paths
 * that lead elsewhere, links anywhere on the way that lead outside or nowhere, and what is no regular file.
 * @throws INPUT_INVALID for a name that cannot be one, FORBIDDEN for a path outside or closed to us
 */
export function confined(folder: string, name: string): string {
  if (/^$|[\u0000-\u001f\u007f]|[/\\]$/.test(name) || isDeviceName(name)) {
    throw problem("INPUT_INVALID", `"${name}" is not a file name`, 'Use a plain file name, for example "result.csv"');
  }
  if (name.split(/[/\\]/).includes("..")) throw outside(folder, name);
  const root = real(resolve(folder), folder, name);
  const path = isAbsolute(name) ? real(resolve(name), folder, name) : real(join(root, name), folder, name);
  const inside = relative(root, path);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw outside(folder, name);
  const found = look(path, name);
  if (found && !found.isFile()) throw problem("FORBIDDEN", `"${name}" is there and is no file`, "Choose another name");
  return path;
}

/** The same, and its folders are made. */
export async function confinedWithFolders(folder: string, name: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(diskProblem(folder));
  const path = confined(folder, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(diskProblem(path));
  return path;
}

/** Follows every link up to the deepest part that exists; what is missing comes after as it is. */
function real(path: string, folder: string, name: string): string {
  const found = look(path, name);
  if (!found) {
    const parent = dirname(path);
    return parent === path ? path : join(real(parent, folder, name), basename(path));
  }
  try {
    return realpathSync(path);
  } catch {
    // A link to nothing, or to itself: writing to it could make a file anywhere.
    throw outside(folder, name);
  }
}

function look(path: string, name: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return diskProblem(name)(error as NodeJS.ErrnoException);
  }
}

/** Windows opens a device for such a name in any folder, and a hidden stream for a colon. */
function isDeviceName(name: string): boolean {
  return process.platform === "win32" && (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(basename(name)) || /:(?![/\\])/.test(name));
}

function outside(folder: string, name: string): Problem {
  return problem("FORBIDDEN", `"${name}" leads outside the export folder`, `Use a name inside "${folder}", for example "result.csv"`);
}

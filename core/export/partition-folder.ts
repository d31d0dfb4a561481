import type { Stats } from "node:fs";
import { mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import type { WrittenFile } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { hidden, present, type Rights } from "./destination.ts";
import { diskProblem } from "./disk-problem.ts";
import { readMeta } from "./meta.ts";
import { refuseReadBack, refuseSourcesIn } from "./replaceable.ts";

/** What says in a folder that an export made it, and of which files. */
export const folderMeta = ".meta.json";

/** A folder that grows under another name until it is complete. */
export interface StagedFolder extends AsyncDisposable {
  /** Where a file grows, by its path in the folder, whose own folders are made. */
  grow(path: string): Promise<string>;
  /** Gives it its name, and each file in it. */
  publish(files: readonly WrittenFile[]): Promise<void>;
  readonly folder: string;
}

/** So that nothing that reads by endings takes up a file that grows, or stays behind when this process is killed. */
const growing = ".part";

/**
 * Makes a folder that appears whole or not at all. An old one is replaced only when an export made it, and all that is in it.
 * @throws CONFLICT, FORBIDDEN, INPUT_INVALID, NOT_FOUND
 */
export async function stageFolder(path: string, { overwrite = false, sources, readFrom }: Rights): Promise<StagedFolder> {
  const before = await present(path);
  if (before) await refuseUnlessOurs(path, before, overwrite);
  const target = before ? await realpath(path) : path;
  if (before && sources) await refuseSourcesIn(target, await sources());
  const patterns = (await readFrom?.()) ?? [];
  const folder = hidden(target);
  await mkdir(folder).catch(diskProblem(path));
  const made = new Set<string>();
  return {
    folder,
    async grow(name) {
      await refuseReadBack(join(target, name), patterns);
      const parts = name.split("/").slice(0, -1);
      for (const [index] of parts.entries()) await makeOnce(parts.slice(0, index + 1).join("/"), { folder, path, made });
      return join(folder, `${name}${growing}`);
    },
    async publish(files) {
      for (const { path: name } of files) await rename(join(folder, `${name}${growing}`), join(folder, name)).catch(diskProblem(path));
      await replace(target, folder, before !== undefined).catch(diskProblem(path));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Two names that a disk takes for one would mix the rows of two values. */
async function makeOnce(
  name: string,
  { folder, path, made }: { readonly folder: string; readonly path: string; readonly made: Set<string> },
): Promise<void> {
  if (made.has(name)) return;
  await mkdir(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") return diskProblem(join(path, name))(error);
    throw problem(
      "CONFLICT",
      `This disk takes "${name}" and a folder whose name differs in case only for one`,
      "Make the values the same in the statement, for example with lower()",
      error,
    );
  });
  made.add(name);
}

async function refuseUnlessOurs(path: string, before: Stats, overwrite: boolean): Promise<void> {
  if (!before.isDirectory()) throw problem("CONFLICT", `"${path}" is there and is no folder`, "Choose another name for the folder");
  if (!overwrite)
    throw problem("CONFLICT", `Folder "${path}" already exists`, "Choose another name, or replace it with the option overwrite");
  const there = await readdir(path, { recursive: true, withFileTypes: true }).catch(diskProblem(path));
  const names = there
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .map((name) => name.replaceAll(sep, "/"));
  if (names.length === 0) return;
  const meta = await readMeta(join(path, folderMeta));
  const own = new Set(meta?.partitionBy && [folderMeta, ...(meta.files ?? []).map((file) => file.path)]);
  const foreign = names.find((name) => !own.has(name));
  if (foreign !== undefined)
    throw problem(
      "FORBIDDEN",
      `Cannot replace "${path}": no export wrote "${foreign}" in it`,
      "Choose another name, or move that file away",
    );
}

/** Between the two names only the end of this process can leave none; the old folder is then beside it. */
async function replace(target: string, folder: string, present: boolean): Promise<void> {
  const old = hidden(target);
  if (present) await rename(target, old);
  try {
    // A folder that appeared meanwhile stays: only an empty one can be renamed over.
    await rename(folder, target);
  } catch (error) {
    if (present) await rename(old, target);
    throw (error as NodeJS.ErrnoException).code === "ENOTEMPTY" ? Object.assign(error as Error, { code: "EEXIST" }) : error;
  }
  if (present) await rm(old, { recursive: true, force: true });
}

import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { link, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { problem } from "../problem.ts";
import { diskProblem, taken } from "./disk-problem.ts";
import { refuseReadBack, refuseSources } from "./replaceable.ts";

/** What may stand in the way of a path. */
export interface Rights {
  /** False or absent refuses to replace a file that is there, even one that appears meanwhile. */
  readonly overwrite?: boolean;
  /** Files that are never replaced, overwrite or not. */
  readonly sources?: (() => Promise<readonly string[]>) | undefined;
  /** Where the result is read from, patterns among them: nothing is put where it would be read as well. */
  readonly readFrom?: (() => Promise<readonly string[]>) | undefined;
}

/** Where a file will be, and where it grows until then. */
export interface Destination {
  readonly path: string;
  readonly target: string;
  readonly temp: string;
  /** The permissions of the file that is replaced. */
  readonly mode?: number;
}

/** Everything that can be known to fail is looked at here, before anything runs. */
export async function destination(path: string, { overwrite = false, sources = async () => [], readFrom }: Rights): Promise<Destination> {
  const before = await existing(path);
  if (before && !overwrite) throw taken(path);
  // A link is written through, so that it still leads to the file.
  const target = before ? await realpath(path) : path;
  await refuseSources(target, before !== undefined, sources);
  if (readFrom) await refuseReadBack(target, await readFrom());
  return { path, target, temp: hidden(target), ...(before && { mode: before.mode & 0o777 }) };
}

/** A name beside a path that nobody else has, and nothing that reads by endings or patterns takes up. */
export function hidden(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 40)}.${randomBytes(6).toString("hex")}.part`);
}

async function existing(path: string): Promise<Stats | undefined> {
  const found = await present(path);
  if (found?.isDirectory())
    throw problem("INPUT_INVALID", `"${path}" is a folder`, `Add a file name, for example "${join(path, "result.csv")}"`);
  if (found && !found.isFile()) throw problem("INPUT_INVALID", `"${path}" is not a regular file`, "Choose the path of a file");
  return found;
}

/** What is at a path, links followed; `undefined` when there is nothing. */
export function present(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    return diskProblem(path)(error);
  });
}

/** Takes back one step; what it kept in case is then gone. */
type Undo = { readonly back: () => Promise<unknown>; readonly kept?: string };

/**
 * Gives finished files their names in this order, and removes those that are `stale`: all of it or, when a step fails, nothing.
 * Between two steps only the end of this process can leave some done and others not; the last file says that all are there.
 */
export async function publishAll(
  places: readonly Destination[],
  { overwrite = false, stale = [] }: { readonly overwrite?: boolean; readonly stale?: readonly string[] },
): Promise<void> {
  const done: Undo[] = [];
  const alone = places.length + stale.length === 1;
  try {
    for (const path of stale) done.push(await setAside(path));
    for (const place of places) done.push(await publish(place, overwrite, alone));
  } catch (error) {
    // The failure that came first is the one to tell.
    for (const { back } of done.reverse()) await back().catch(() => undefined);
    throw error;
  }
  for (const { kept } of done) if (kept !== undefined) await rm(kept, { force: true });
}

/** Gives the file its name: over what is there, or unless the name is taken. */
async function publish({ path, target, temp, mode }: Destination, overwrite: boolean, alone: boolean): Promise<Undo> {
  const kept = mode === undefined || alone ? undefined : hidden(target);
  if (kept !== undefined) await second(target, kept).catch(diskProblem(path));
  await (overwrite ? rename(temp, target) : claim(temp, target)).catch(async (error) => {
    if (kept !== undefined) await rename(kept, target);
    return diskProblem(path)(error);
  });
  return kept === undefined ? { back: () => rm(target, { force: true }) } : { back: () => rename(kept, target), kept };
}

async function setAside(path: string): Promise<Undo> {
  const kept = hidden(path);
  await rename(path, kept).catch(diskProblem(path));
  return { back: () => rename(kept, path), kept };
}

/** A second name for a file; on a disk without links it is the only one for a moment. */
async function second(target: string, kept: string): Promise<void> {
  await link(target, kept).catch((error: NodeJS.ErrnoException) => {
    if (!noLinks(error)) throw error;
    return rename(target, kept);
  });
}

/** Unless the name is taken, in one step: a link, or on a disk without links a name taken first. */
async function claim(temp: string, target: string): Promise<void> {
  try {
    await link(temp, target);
  } catch (error) {
    if (!noLinks(error as NodeJS.ErrnoException)) throw error;
    await (await open(target, "wx")).close();
    await rename(temp, target);
  }
}

function noLinks({ code = "" }: NodeJS.ErrnoException): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code);
}

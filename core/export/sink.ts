import { createHash, randomBytes } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { type FileHandle, link, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { problem } from "../problem.ts";
import { chunkBytes } from "./chunks.ts";
import { compressed } from "./compress.ts";
import { diskProblem, inTermsOf, taken } from "./disk-problem.ts";
import type { Compression } from "./formats.ts";
import { refuseSources } from "./replaceable.ts";

export interface Place {
  readonly path: string;
  /** False or absent refuses to replace a file that is there, even one that appears meanwhile. */
  readonly overwrite?: boolean;
  /** Files that are never replaced, overwrite or not. */
  readonly sources?: (() => Promise<readonly string[]>) | undefined;
  /** A second file that appears together with the first, or neither does. */
  readonly note?: { readonly path: string; readonly text: (written: Written) => string } | undefined;
  readonly signal: AbortSignal;
}

/** A finished file: how large, and the SHA-256 of its bytes in hex. */
export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes chunks to a file that appears whole or not at all: under another name in the same folder, flushed
 * to the disk, then renamed. Whatever fails, what was there before stays.
 * @throws CONFLICT, NOT_FOUND, FORBIDDEN, INPUT_INVALID, LIMIT_EXCEEDED when the disk is full
 */
export function writeFile(
  file: Place & {
    readonly chunks: AsyncIterable<Uint8Array>;
    readonly compress?: Compression | undefined;
    /** Told after each block how many bytes there are. */
    readonly onBytes?: ((bytes: number) => void) | undefined;
  },
): Promise<Written> {
  return place(file, async (temp, mode) => {
    await using handle = await open(temp, "wx", mode).catch(diskProblem(file.path));
    const written = await pour(compressed(file.chunks, file.compress), handle, file);
    await handle.sync().catch(diskProblem(file.path));
    return written;
  });
}

/**
 * Lets an engine write the file itself, to a fresh path in the same folder, then hashes and renames it
 * with the promises of `writeFile`.
 * @throws what `writeFile` throws, and what `write` throws
 */
export function stagedFile(file: Place & { readonly write: (path: string) => Promise<unknown> }): Promise<Written> {
  return place(file, async (temp, mode) => {
    await file.write(temp).catch((error) => {
      throw inTermsOf(file.path, temp, error);
    });
    await using handle = await open(temp, "r+").catch(diskProblem(file.path));
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync().catch(diskProblem(file.path));
    return hashed(temp, file.signal);
  });
}

/** Writes chunks in blocks of at least 256 KB, because small writes are slow in Bun; hashes what it writes. */
export async function pour(
  chunks: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  {
    path,
    signal,
    onBytes,
  }: { readonly path: string; readonly signal: AbortSignal; readonly onBytes?: ((bytes: number) => void) | undefined },
): Promise<Written> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const block of blocks(chunks)) {
    signal.throwIfAborted();
    await writeAll(handle, block).catch(diskProblem(path));
    hash.update(block);
    bytes += block.length;
    onBytes?.(bytes);
  }
  signal.throwIfAborted();
  return { bytes, sha256: hash.digest("hex") };
}

/** Writes all of a block: a single write may take less. */
export async function writeAll(handle: FileHandle, block: Uint8Array): Promise<void> {
  for (let written = 0; written < block.length; ) written += (await handle.write(block, written)).bytesWritten;
}

async function* blocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    size += chunk.length;
    if (size < chunkBytes) continue;
    yield held.length === 1 ? chunk : Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

async function hashed(path: string, signal: AbortSignal): Promise<Written> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Where a file will be, and where it grows until then. */
interface Destination {
  readonly path: string;
  readonly target: string;
  readonly temp: string;
  /** The permissions of the file that is replaced. */
  readonly mode?: number;
}

/** Fills a temporary file beside the target and puts it in the target's place; removes it whatever happens. */
async function place(file: Place, fill: (temp: string, mode?: number) => Promise<Written>): Promise<Written> {
  const { overwrite = false, note, signal } = file;
  const main = await destination(file.path, file);
  const second = note && (await destination(note.path, file));
  try {
    const written = await fill(main.temp, main.mode);
    if (note && second) await writeNote(second, note.text(written));
    signal.throwIfAborted();
    await publish(main, overwrite);
    if (second) {
      await publish(second, overwrite).catch(async (error) => {
        if (main.mode === undefined) await rm(main.target, { force: true });
        throw error;
      });
    }
    return written;
  } finally {
    for (const { temp } of second ? [main, second] : [main]) await rm(temp, { force: true });
  }
}

/** Everything that can be known to fail is looked at here, before anything runs. */
async function destination(path: string, { overwrite = false, sources = async () => [] }: Place): Promise<Destination> {
  const before = await existing(path);
  if (before && !overwrite) throw taken(path);
  // A link is written through, so that it still leads to the file.
  const target = before ? await realpath(path) : path;
  await refuseSources(target, before !== undefined, sources);
  const temp = join(dirname(target), `.${basename(target).slice(0, 40)}.${randomBytes(6).toString("hex")}.part`);
  return { path, target, temp, ...(before && { mode: before.mode & 0o777 }) };
}

async function writeNote({ path, temp, mode }: Destination, text: string): Promise<void> {
  await using handle = await open(temp, "wx", mode).catch(diskProblem(path));
  await writeAll(handle, Buffer.from(text)).catch(diskProblem(path));
  await handle.sync().catch(diskProblem(path));
}

async function existing(path: string): Promise<Stats | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    return diskProblem(path)(error);
  });
  if (found?.isDirectory())
    throw problem("INPUT_INVALID", `"${path}" is a folder`, `Add a file name, for example "${join(path, "result.csv")}"`);
  if (found && !found.isFile()) throw problem("INPUT_INVALID", `"${path}" is not a regular file`, "Choose the path of a file");
  return found;
}

/** Gives the file its name: over what is there, or unless the name is taken. */
function publish({ path, target, temp }: Destination, overwrite: boolean): Promise<void> {
  return (overwrite ? rename(temp, target) : claim(temp, target)).catch(diskProblem(path));
}

/** Unless the name is taken, in one step: a link, or on a disk without links a name taken first. */
async function claim(temp: string, target: string): Promise<void> {
  try {
    await link(temp, target);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await (await open(target, "wx")).close();
    await rename(temp, target);
  }
}

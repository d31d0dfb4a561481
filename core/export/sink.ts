import { createHash, randomBytes } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { type FileHandle, link, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { problem } from "../problem.ts";
import { chunkBytes } from "./chunks.ts";
import { compressed } from "./compress.ts";
import { diskProblem, taken } from "./disk-problem.ts";
import type { Compression } from "./formats.ts";

export interface Place {
  readonly path: string;
  /** False or absent refuses to replace a file that is there, even one that appears meanwhile. */
  readonly overwrite?: boolean;
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
export function stagedFile<Result>(
  file: Place & { readonly write: (path: string) => Promise<Result> },
): Promise<Written & { readonly result: Result }> {
  return place(file, async (temp, mode) => {
    const result = await file.write(temp);
    await using handle = await open(temp, "r+").catch(diskProblem(file.path));
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync().catch(diskProblem(file.path));
    return { ...(await hashed(temp, file.signal)), result };
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

/** Fills a temporary file beside the target and puts it in the target's place; removes it whatever happens. */
async function place<Result>(
  { path, overwrite = false, signal }: Place,
  fill: (temp: string, mode?: number) => Promise<Result>,
): Promise<Result> {
  const before = await existing(path);
  if (before && !overwrite) throw taken(path);
  // A link is written through, so that it still leads to the file.
  const target = before ? await realpath(path) : path;
  const temp = join(dirname(target), `.${basename(target).slice(0, 40)}.${randomBytes(6).toString("hex")}.part`);
  try {
    const result = await fill(temp, before && before.mode & 0o777);
    signal.throwIfAborted();
    await (overwrite ? rename(temp, target) : publish(temp, target)).catch(diskProblem(path));
    return result;
  } finally {
    await rm(temp, { force: true });
  }
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

/** Gives the file its name unless that is taken, in one step: a link, or on a disk without links a name taken first. */
async function publish(temp: string, target: string): Promise<void> {
  try {
    await link(temp, target);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await (await open(target, "wx")).close();
    await rename(temp, target);
  }
}

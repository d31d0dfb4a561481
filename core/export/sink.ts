import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { chunkBytes } from "./chunks.ts";
import { compressed } from "./compress.ts";
import { type Destination, destination, publishAll, type Rights } from "./destination.ts";
import { diskProblem, inTermsOf } from "./disk-problem.ts";
import type { Compression } from "./formats.ts";

export interface Place extends Rights {
  readonly path: string;
  /** A second file that appears together with the first, or neither does. */
  readonly note?: { readonly path: string; readonly text: (written: Written) => string } | undefined;
  /** Called when all is written and nothing has its name yet: the last moment to refuse. */
  readonly ready?: () => Promise<void>;
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
  return place(file, (temp, mode) => fillFile({ ...file, temp, mode, chunks: compressed(file.chunks, file.compress) }));
}

/** Writes chunks to a new file, flushed to the disk; `path` is what it is called in problems. */
export async function fillFile({
  temp,
  mode,
  chunks,
  ...named
}: {
  readonly temp: string;
  readonly mode?: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}): Promise<Written> {
  await using handle = await open(temp, "wx", mode).catch(diskProblem(named.path));
  const written = await pour(chunks, handle, named);
  await handle.sync().catch(diskProblem(named.path));
  return written;
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

/** Fills a temporary file beside the target and puts it in the target's place; removes it whatever happens. */
async function place(file: Place, fill: (temp: string, mode?: number) => Promise<Written>): Promise<Written> {
  const { note, signal } = file;
  const main = await destination(file.path, file);
  const second = note && (await destination(note.path, file));
  const all = second ? [main, second] : [main];
  try {
    const written = await fill(main.temp, main.mode);
    if (note && second) await writeNote(second, note.text(written));
    signal.throwIfAborted();
    await file.ready?.();
    await publishAll(all, file);
    return written;
  } finally {
    for (const { temp } of all) await rm(temp, { force: true });
  }
}

/** Writes a small file at a destination's temporary name. */
export async function writeNote({ path, temp, mode }: Destination, text: string): Promise<void> {
  await using handle = await open(temp, "wx", mode).catch(diskProblem(path));
  await writeAll(handle, Buffer.from(text)).catch(diskProblem(path));
  await handle.sync().catch(diskProblem(path));
}

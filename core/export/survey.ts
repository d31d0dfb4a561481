import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Problem, problem } from "../problem.ts";
import { diskProblem } from "./disk-problem.ts";
import type { Compression } from "./formats.ts";
import { createLines } from "./lines.ts";
import { unzstd } from "./zstd-frames.ts";

/** What a file of lines was found to be. */
export interface Survey {
  readonly bytes: number;
  readonly sha256: string;
  readonly lines: number;
  /** The first line without its end; `undefined` where there is none. */
  readonly first: string | undefined;
  /** Of this very file at that moment: another once something was written to it, or put in its place. */
  readonly identity: string;
}

/** Beyond this a first line is taken for no line at all. */
const longestFirst = 16 * 2 ** 20;

/**
 * Reads a file of lines from end to end, compressed or not.
 * @throws CONFLICT when it is damaged, or its last line does not end
 */
export async function survey(
  path: string,
  how: { readonly compression: Compression | undefined; readonly quoted: boolean; readonly signal: AbortSignal },
): Promise<Survey> {
  const identity = await identityOf(path);
  const hash = createHash("sha256");
  let bytes = 0;
  async function* raw() {
    for await (const chunk of readWhole(path)) {
      how.signal.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const lines = createLines(how.quoted);
  const head: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of decompressed(raw(), how.compression, path)) {
    const wanted = lines.count === 0;
    const end = lines.read(chunk);
    if (!wanted) continue;
    head.push(chunk.subarray(0, end));
    size += chunk.length;
    if (lines.count === 0 && size > longestFirst) throw cannotAppend(path, "its first line has no end");
  }
  if (!lines.ended) throw cannotAppend(path, "its last line has no end");
  const first = lines.count === 0 ? undefined : Buffer.concat(head).subarray(0, -1).toString();
  return { bytes, sha256: hash.digest("hex"), lines: lines.count, first, identity };
}

/** The first bytes of a file, all of them unless it is said how many; failures are told of the file. */
export async function* readWhole(path: string, bytes = Infinity): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 2 ** 20, end: bytes - 1 });
  } catch (error) {
    diskProblem(path)(error as NodeJS.ErrnoException);
  }
}

/** @throws CONFLICT when the file is not the one that was looked at */
export async function unchanged(path: string, { identity }: Survey): Promise<void> {
  if ((await identityOf(path)) === identity) return;
  throw problem("CONFLICT", `File "${path}" was changed by somebody else meanwhile`, "Try again");
}

export function cannotAppend(path: string, why: string): Problem {
  return problem("CONFLICT", `Cannot append to "${path}": ${why}`, "Write a new file, or correct this one");
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true }).catch(diskProblem(path));
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression | undefined,
  path: string,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  // What the file's own disk says is not about its content.
  async function* watched() {
    try {
      yield* chunks;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  try {
    if (compression === undefined) yield* chunks;
    else yield* compression === "gz" ? gunzip(watched()) : unzstd(watched());
  } catch (error) {
    if (failure !== undefined || compression === undefined) throw failure ?? error;
    throw problem("CONFLICT", `Cannot append to "${path}": its compression is damaged`, "Write a new file", error);
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = createGunzip();
  const fed = pipeline(Readable.from(chunks, { objectMode: true }), decoder).catch((error: unknown) => ({ error }));
  try {
    yield* decoder;
  } catch (error) {
    throw (await fed)?.error ?? error;
  } finally {
    decoder.destroy();
    await fed;
  }
}

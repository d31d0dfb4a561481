import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import type { Compression } from "./formats.ts";

/** Compresses chunks as they come, off this thread; without a compression they pass untouched. Leaving early stops their source. */
export async function* compressed(chunks: AsyncIterable<Uint8Array>, compression: Compression | undefined): AsyncGenerator<Uint8Array> {
  if (compression === undefined) {
    yield* chunks;
    return;
  }
  const stream = compression === "gz" ? createGzip() : createZstdCompress();
  const fed = pipeline(Readable.from(chunks, { objectMode: true }), stream).catch((error: unknown) => ({ error }));
  try {
    yield* stream;
  } catch (error) {
    // The stream's own error may only say that it ended too early.
    throw (await fed)?.error ?? error;
  } finally {
    stream.destroy();
    await fed;
  }
}

import type { EncodeOptions } from "../contract/export.ts";
import { safeText } from "./visible.ts";

/** Bytes a bulk format gathers before it yields: small writes are slow in Bun, and large ones wait longer for the collector. */
export const chunkBytes = 64 * 1024;

/** Encodes pieces of text as UTF-8: for a terminal piece by piece, else in chunks of at least 64 KB. */
export async function* inChunks(pieces: AsyncIterable<string>, { terminal }: EncodeOptions): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const least = terminal ? 1 : chunkBytes;
  let text = "";
  for await (const piece of pieces) {
    text += piece;
    if (text.length < least) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

/** Like `inChunks`, for text made of plain data: on a terminal its control characters become visible, so that data cannot drive it. */
export function textChunks(pieces: AsyncIterable<string>, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return inChunks(options.terminal ? safe(pieces) : pieces, options);
}

async function* safe(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces) yield safeText(piece);
}

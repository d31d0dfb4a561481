import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { createTaker } from "./bytes.ts";

/** Some bytes of a frame; the last of them ends it. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/**
 * Decompresses frame by frame: a file that was added to has several, of which Deno's decoder reads one, and
 * Bun's does not say when the last is cut off. Throws when anything is not as it has to be.
 */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = framed(chunks);
  for (let first = await pieces.next(); first.done !== true; first = await pieces.next()) {
    const decoder = createZstdDecompress();
    const fed = pipeline(Readable.from(frameOf(first.value, pieces), { objectMode: true }), decoder).catch((error) => ({ error }));
    try {
      yield* decoder;
    } catch (error) {
      throw (await fed)?.error ?? error;
    } finally {
      decoder.destroy();
      await fed;
    }
  }
}

async function* frameOf(first: Piece, rest: AsyncGenerator<Piece>): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  for (let { last } = first; !last; ) {
    const next = await rest.next();
    if (next.done) return;
    yield next.value.bytes;
    last = next.value.last;
  }
}

/** Cuts at the ends of blocks, as RFC 8878 has them. Frames that hold no data are left out. */
async function* framed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const take = createTaker(chunks);
  for (let magic = await take(4, "or none"); magic.length > 0; magic = await take(4, "or none")) {
    const number = magic.readUInt32LE();
    if ((number & 0xfffffff0) >>> 0 === 0x184d2a50) {
      await take((await take(4)).readUInt32LE());
      continue;
    }
    if (number !== 0xfd2fb528) throw new Error("A frame does not begin as one");
    const descriptor = await take(1);
    const flags = descriptor.readUInt8();
    yield { bytes: Buffer.concat([magic, descriptor, await take(headerBytes(flags))]), last: false };
    for (let last = false; !last; ) {
      const head = await take(3);
      const block = head.readUIntLE(0, 3);
      last = (block & 1) === 1;
      // A block that repeats one byte holds that byte, and says how often.
      const content = await take((block & 6) === 2 ? 1 : block >> 3);
      const checksum = await take(last && (flags & 4) !== 0 ? 4 : 0);
      yield { bytes: Buffer.concat([head, content, checksum]), last };
    }
  }
}

/** How long the rest of a frame's header is: window, dictionary and content size. */
function headerBytes(flags: number): number {
  const single = (flags & 0x20) !== 0;
  const size = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (single ? 0 : 1) + ([0, 1, 2, 4][flags & 3] ?? 0) + size;
}

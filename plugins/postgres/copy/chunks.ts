import { tag } from "../wire/wire.ts";
import type { Work } from "../work.ts";
import { rewriteFloats } from "./floats.ts";

/** Larger chunks are no faster, smaller ones cost a call each. */
export const chunkBytes = 128 * 1024;
/** Room for the row that fills a chunk. */
const spareBytes = 16 * 1024;

const comma = 44;
const lineEnd = 10;

/** Gathers rows as they come off the wire. */
class Chunk {
  size = 0;
  #bytes = Buffer.allocUnsafeSlow(chunkBytes + spareBytes);

  add(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    bytes.copy(this.#bytes, this.size, start, end);
    this.size += end - start;
  }

  /** A row that ends in its mark: empty, or `x`. */
  addMarked(bytes: Buffer, start: number, end: number, floats: readonly number[]): void {
    if (bytes[end - 2] === comma) this.add(bytes, start, end - 2);
    else {
      const row = Buffer.from(rewriteFloats(bytes.toString("latin1", start, end - 3), floats), "latin1");
      this.add(row, 0, row.length);
    }
    this.#reserve(1);
    this.#bytes[this.size++] = lineEnd;
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.size);
    this.#bytes = Buffer.allocUnsafeSlow(chunkBytes + spareBytes);
    this.size = 0;
    return taken;
  }

  #reserve(count: number): void {
    if (this.size + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.size + count) * 2);
    this.#bytes.copy(larger, 0, 0, this.size);
    this.#bytes = larger;
  }
}

/** The bytes of the copy that runs, without what frames them on the wire; no chunk ends inside a row. */
export async function* copiedChunks(work: Work, floats: readonly number[], counted: { rows: number }): AsyncGenerator<Uint8Array> {
  const chunk = new Chunk();
  const { wire, signal } = work;
  while (work.running) {
    const type = work.arrived() ?? (await work.reply());
    if (type === tag.commandComplete) work.running = false;
    if (type !== tag.copyData) continue;
    if (floats.length === 0) chunk.add(wire.bytes, wire.start, wire.end);
    else chunk.addMarked(wire.bytes, wire.start, wire.end, floats);
    counted.rows++;
    if (chunk.size < chunkBytes) continue;
    yield chunk.take();
    signal.throwIfAborted();
  }
  if (chunk.size > 0) yield chunk.take();
}

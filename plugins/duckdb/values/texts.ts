import { DuckDBBlobVector } from "@duckdb/node-api";
import { memory, nulls, type Reader, type Vector } from "./vectors.ts";

/** Text of up to this many bytes lies in the vector itself, behind its length; longer text at the address that stands there. */
const inlineBytes = 12;

/**
 * Reads all texts of a vector at once. The bindings would ask the engine for each long one by itself, which takes
 * longer than the rest of a row. But the engine puts the texts of a chunk one behind the other, so a run of them is
 * fetched as one: as long as less than eight bytes, which alignment leaves, lie between two texts, no byte between
 * them can be out of reach.
 */
export function texts(vector: Vector): Reader {
  const view = memory(vector);
  const slots = new Uint32Array(view.buffer, view.byteOffset, vector.itemCount * 4);
  const inline = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const isNull = nulls(vector);
  const cells = new Array<string>(vector.itemCount);
  let run: { readonly start: number; readonly rows: number[]; end: number } | undefined;

  for (let row = 0; row < cells.length; row++) {
    if (isNull?.(row)) continue;
    const length = slots[row * 4] as number;
    if (length <= inlineBytes) {
      cells[row] = inline.toString("utf8", row * 16 + 4, row * 16 + 4 + length);
      continue;
    }
    const address = addressAt(slots, row);
    if (run !== undefined && address >= run.end && address - run.end < 8) {
      run.rows.push(row);
      run.end = address + length;
    } else {
      if (run !== undefined) decode(run, slots, cells);
      run = { start: address, rows: [row], end: address + length };
    }
  }
  if (run !== undefined) decode(run, slots, cells);
  return (row) => cells[row] as string;
}

function decode(
  { start, end, rows }: { readonly start: number; readonly end: number; readonly rows: readonly number[] },
  slots: Uint32Array,
  cells: string[],
): void {
  const bytes = memoryAt(start, end - start);
  for (const row of rows) {
    const at = addressAt(slots, row) - start;
    cells[row] = bytes.toString("utf8", at, at + (slots[row * 4] as number));
  }
}

/** Addresses have 48 bits, so a double holds them. */
function addressAt(slots: Uint32Array, row: number): number {
  return (slots[row * 4 + 3] as number) * 2 ** 32 + (slots[row * 4 + 2] as number);
}

const allValid = { itemValid: () => true };

/** The bindings read memory only for a vector; this makes one of a single blob that lies there. */
function memoryAt(address: number, length: number): Buffer {
  const slot = new Uint32Array([length, 0, address % 2 ** 32, Math.floor(address / 2 ** 32)]);
  const [, validity, vector] = [undefined, allValid, undefined] as unknown as ConstructorParameters<typeof DuckDBBlobVector>;
  const bytes = new DuckDBBlobVector(new DataView(slot.buffer), validity, vector, 0, 1).getItemBytes(0) as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

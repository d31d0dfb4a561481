import { DuckDBBlobVector } from "@duckdb/node-api";
import { memory, nulls, type Reader, type Vector } from "./vectors.ts";

/** Text of up to this many bytes lies in the vector itself, behind its length; longer text at the address that stands there. */
const inlineBytes = 12;

/** Texts that lie one behind the other in the engine's memory. */
interface Run {
  readonly start: number;
  readonly rows: number[];
  end: number;
}

/** Reads one text at a time: of a nested vector, some may belong to no row and mean nothing. */
export function texts(vector: Vector): Reader {
  const { slots, inline } = slotsOf(vector);
  return (row) => {
    const length = slots[row * 4] as number;
    return length <= inlineBytes ? inlineText(inline, row, length) : memoryAt(addressAt(slots, row), length).toString("utf8");
  };
}

/**
 * Reads every text of a column at once. To fetch each long one by itself takes longer than the rest of a row. But the
 * engine puts the texts of a chunk one behind the other, so a run of them is fetched as one: where less than eight
 * bytes lie between two texts, which alignment leaves, no byte between them can be out of reach.
 */
export function allTexts(vector: Vector): (string | null)[] {
  const { slots, inline } = slotsOf(vector);
  const isNull = nulls(vector);
  const cells = new Array<string | null>(vector.itemCount);
  let run: Run | undefined;
  for (let row = 0; row < cells.length; row++) {
    const length = slots[row * 4] as number;
    if (isNull?.(row)) cells[row] = null;
    else if (length <= inlineBytes) cells[row] = inlineText(inline, row, length);
    else {
      const address = addressAt(slots, row);
      const follows = run !== undefined && address >= run.end && address - run.end < 8;
      if (run !== undefined && !follows) decode(run, slots, cells);
      if (run === undefined || !follows) run = { start: address, rows: [], end: address };
      run.rows.push(row);
      run.end = address + length;
    }
  }
  if (run !== undefined) decode(run, slots, cells);
  return cells;
}

function slotsOf(vector: Vector): { readonly slots: Uint32Array; readonly inline: Buffer } {
  const { buffer, byteOffset, byteLength } = memory(vector);
  return { slots: new Uint32Array(buffer, byteOffset, vector.itemCount * 4), inline: Buffer.from(buffer, byteOffset, byteLength) };
}

function inlineText(inline: Buffer, row: number, length: number): string {
  return inline.toString("utf8", row * 16 + 4, row * 16 + 4 + length);
}

function decode({ start, end, rows }: Run, slots: Uint32Array, cells: (string | null)[]): void {
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

/** What the constructor below asks for and does not need to read one blob. */
type Unused = ConstructorParameters<typeof DuckDBBlobVector>;

/** The bindings read memory only for a vector; this makes one of a single blob that lies there. */
function memoryAt(address: number, length: number): Buffer {
  const slot = new Uint32Array([length, 0, address % 2 ** 32, Math.floor(address / 2 ** 32)]);
  const validity = { itemValid: () => true } as unknown as Unused[1];
  const blob = new DuckDBBlobVector(new DataView(slot.buffer), validity, undefined as unknown as Unused[2], 0, 1);
  const bytes = blob.getItemBytes(0) as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import type { ColumnDefinition } from "../wire/definition.ts";
import { narrowed, shortestFloat } from "./cell.ts";
import { type CellKind, type CellShape, cellKind, cellShape } from "./cell-kind.ts";

/** Bytes of a cell by its kind; 0 for cells that say their own length. */
const widths = Uint8Array.of(1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0);

/** Goes through binary rows cell by cell. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html */
export class BinaryRow {
  readonly shapes: readonly CellShape[];
  /** Where the next cell begins. */
  at = 0;
  readonly #bitmapBytes: number;
  #bitmap = 0;

  constructor(definitions: readonly ColumnDefinition[]) {
    this.shapes = definitions.map(cellShape);
    this.#bitmapBytes = (definitions.length + 9) >> 3;
  }

  begin(start: number): void {
    this.#bitmap = start + 1;
    this.at = this.#bitmap + this.#bitmapBytes;
  }

  isNull(bytes: Buffer, index: number): boolean {
    return ((bytes[this.#bitmap + ((index + 2) >> 3)] as number) & (1 << ((index + 2) & 7))) !== 0;
  }

  /** The number in a cell of this kind; `undefined` where the cell says its own length. */
  number(bytes: Buffer, kind: CellKind): number | bigint | undefined {
    const { at } = this;
    this.at = at + (widths[kind] as number);
    switch (kind) {
      case cellKind.int8:
        return ((bytes[at] as number) << 24) >> 24;
      case cellKind.uint8:
        return bytes[at] as number;
      case cellKind.int16:
        return bytes.readInt16LE(at);
      case cellKind.uint16:
        return bytes.readUInt16LE(at);
      case cellKind.int32:
        return bytes.readInt32LE(at);
      case cellKind.uint32:
        return bytes.readUInt32LE(at);
      case cellKind.int64:
      case cellKind.uint64:
        return longValue(bytes, at, kind === cellKind.uint64);
      case cellKind.float:
        return shortestFloat(bytes.readFloatLE(at));
      case cellKind.double:
        return bytes.readDoubleLE(at);
      default:
        return undefined;
    }
  }

  /** The length of a cell that says its own; the cell itself begins at `at` then. */
  length(bytes: Buffer): number {
    const first = bytes[this.at++] as number;
    if (first < 0xfb) return first;
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 6;
    const length = bytes.readUIntLE(this.at, size);
    this.at += first === 0xfe ? 8 : size;
    return length;
  }
}

/** Most integers fit a number, and making a bigint of each would cost more than the rest of the row. */
function longValue(bytes: Buffer, at: number, unsigned: boolean): number | bigint {
  const high = unsigned ? bytes.readUInt32LE(at + 4) : bytes.readInt32LE(at + 4);
  if (high >= -0x200000 && high < 0x200000) {
    const value = high * 0x100000000 + bytes.readUInt32LE(at);
    if (Number.isSafeInteger(value)) return value;
  }
  return narrowed(unsigned ? bytes.readBigUInt64LE(at) : bytes.readBigInt64LE(at));
}

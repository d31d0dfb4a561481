import type { Value } from "../../../core/contract/rows.ts";
import type { ColumnDefinition } from "../wire/definition.ts";
import { bitValue, geometryBytes, narrowed, shortestFloat, textValue } from "./cell.ts";
import { type CellShape, cellKind, cellShape } from "./cell-kind.ts";
import { dateText, momentText, timeText } from "./moments.ts";

/** Reads binary rows into columns of values. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html */
export class RowDecoder {
  readonly #shapes: readonly CellShape[];
  readonly #bitmapBytes: number;
  #at = 0;

  constructor(definitions: readonly ColumnDefinition[]) {
    this.#shapes = definitions.map(cellShape);
    this.#bitmapBytes = (definitions.length + 9) >> 3;
  }

  /** Adds the row that starts at `start` to the columns. */
  read(bytes: Buffer, start: number, columns: readonly Value[][]): void {
    const bitmap = start + 1;
    this.#at = bitmap + this.#bitmapBytes;
    for (let index = 0; index < this.#shapes.length; index++) {
      const isNull = ((bytes[bitmap + ((index + 2) >> 3)] as number) & (1 << ((index + 2) & 7))) !== 0;
      columns[index]?.push(isNull ? null : this.#cell(bytes, this.#shapes[index] as CellShape));
    }
  }

  #cell(bytes: Buffer, shape: CellShape): Value {
    const at = this.#at;
    switch (shape.kind) {
      case cellKind.int8:
        this.#at = at + 1;
        return bytes.readInt8(at);
      case cellKind.uint8:
        this.#at = at + 1;
        return bytes[at] as number;
      case cellKind.int16:
        this.#at = at + 2;
        return bytes.readInt16LE(at);
      case cellKind.uint16:
        this.#at = at + 2;
        return bytes.readUInt16LE(at);
      case cellKind.int32:
        this.#at = at + 4;
        return bytes.readInt32LE(at);
      case cellKind.uint32:
        this.#at = at + 4;
        return bytes.readUInt32LE(at);
      case cellKind.int64:
      case cellKind.uint64:
        this.#at = at + 8;
        return longValue(bytes, at, shape.kind === cellKind.uint64);
      case cellKind.float:
        this.#at = at + 4;
        return shortestFloat(bytes.readFloatLE(at));
      case cellKind.double:
        this.#at = at + 8;
        return bytes.readDoubleLE(at);
      default:
        return this.#sized(bytes, shape);
    }
  }

  /** Cells that say their own length. */
  #sized(bytes: Buffer, { kind, decimals, name }: CellShape): Value {
    const length = this.#length(bytes);
    const at = this.#at;
    this.#at = at + length;
    switch (kind) {
      case cellKind.text:
        return textValue(bytes, at, at + length, name);
      case cellKind.date:
        return dateText(bytes, at, length);
      case cellKind.moment:
        return momentText(bytes, at, length, decimals);
      case cellKind.time:
        return timeText(bytes, at, length, decimals);
      case cellKind.bit:
        return bitValue(bytes, at, length);
      case cellKind.geometry:
        return geometryBytes(bytes, at, length);
      default:
        return new Uint8Array(bytes.subarray(at, at + length));
    }
  }

  #length(bytes: Buffer): number {
    const first = bytes[this.#at++] as number;
    if (first < 0xfb) return first;
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 6;
    const length = bytes.readUIntLE(this.#at, size);
    this.#at += first === 0xfe ? 8 : size;
    return length;
  }
}

/** Most integers fit a number, and making a bigint of each would cost more than the rest of the row. */
export function longValue(bytes: Buffer, at: number, unsigned: boolean): number | bigint {
  const high = unsigned ? bytes.readUInt32LE(at + 4) : bytes.readInt32LE(at + 4);
  if (high >= -0x200000 && high < 0x200000) {
    const value = high * 0x100000000 + bytes.readUInt32LE(at);
    if (Number.isSafeInteger(value)) return value;
  }
  return narrowed(unsigned ? bytes.readBigUInt64LE(at) : bytes.readBigInt64LE(at));
}

import type { ColumnDefinition } from "../wire/definition.ts";
import { BinaryRow } from "./binary-row.ts";
import { bitValue, geometryBytes, textValue } from "./cell.ts";
import { type CellShape, cellKind } from "./cell-kind.ts";
import { dateText, momentText, timeText } from "./moments.ts";

/** Larger chunks are no faster, smaller ones are slower. */
const chunkBytes = 256 * 1024;
/** Room that every cell but a text and bytes fits into. */
const cellBytes = 512;
/** Texts up to here are copied byte by byte; a call into the runtime costs more than that. */
const shortText = 96;

const comma = 44;
const lineEnd = 10;
const quote = 34;
const point = 46;
const minus = 45;
const encoder = new TextEncoder();

/** 1 for each byte that stands for itself in a field; those of longer characters are looked at more closely. */
const plain = new Uint8Array(256).fill(1, 0, 128);
for (const special of ',"\r\n') plain[special.charCodeAt(0)] = 0;

/** Writes binary rows as CSV lines, in the one form CSV has in this product. */
export class CsvWriter {
  /** Rows written so far. */
  rows = 0;
  readonly #row: BinaryRow;
  #bytes: Buffer = Buffer.allocUnsafe(chunkBytes * 1.25);
  #end = 0;

  constructor(definitions: readonly ColumnDefinition[]) {
    this.#row = new BinaryRow(definitions);
  }

  get full(): boolean {
    return this.#end >= chunkBytes;
  }

  /** Hands over what is written; `undefined` when that is nothing. */
  take(): Uint8Array | undefined {
    if (this.#end === 0) return undefined;
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafe(chunkBytes * 1.25);
    this.#end = 0;
    return chunk;
  }

  /** Writes the row that starts at `start`. */
  row(bytes: Buffer, start: number): void {
    const row = this.#row;
    row.begin(start);
    for (let index = 0; index < row.shapes.length; index++) {
      if (this.#end + cellBytes > this.#bytes.length) this.#grow(cellBytes);
      if (index > 0) this.#bytes[this.#end++] = comma;
      if (row.isNull(bytes, index)) continue;
      const shape = row.shapes[index] as CellShape;
      const value = row.number(bytes, shape.kind);
      if (value === undefined) this.#sized(bytes, shape);
      else if (typeof value === "bigint" || shape.kind < cellKind.float) this.#integer(value);
      else this.#real(value);
    }
    this.#bytes[this.#end++] = lineEnd;
    this.rows++;
  }

  /** Cells that say their own length. */
  #sized(bytes: Buffer, { kind, decimals, name }: CellShape): void {
    const length = this.#row.length(bytes);
    const { at } = this.#row;
    this.#row.at = at + length;
    switch (kind) {
      case cellKind.text:
        this.#text(bytes, at, at + length, name);
        break;
      case cellKind.date:
        this.#ascii(dateText(bytes, at, length));
        break;
      case cellKind.moment:
        if (length >= 7) this.#moment(bytes, at, length, decimals);
        else this.#ascii(momentText(bytes, at, length, decimals));
        break;
      case cellKind.time:
        this.#ascii(timeText(bytes, at, length, decimals));
        break;
      case cellKind.bit:
        this.#ascii(String(bitValue(bytes, at, length)));
        break;
      case cellKind.geometry:
        this.#base64(Buffer.from(geometryBytes(bytes, at, length)));
        break;
      default:
        this.#base64(bytes.subarray(at, at + length));
        break;
    }
  }

  #text(source: Buffer, start: number, end: number, name: string): void {
    if (end - start > shortText || start === end) {
      this.#unusual(source, start, end, name);
      return;
    }
    const bytes = this.#bytes;
    let to = this.#end;
    for (let from = start; from < end; from++) {
      const byte = source[from] as number;
      if (plain[byte] === 0) {
        this.#unusual(source, start, end, name);
        return;
      }
      bytes[to++] = byte;
    }
    this.#end = to;
  }

  /** Text that is empty, long, or more than plain ASCII: copied as it is unless it needs quotes. */
  #unusual(source: Buffer, start: number, end: number, name: string): void {
    const text = textValue(source, start, end, name);
    this.#grow((end - start) * 2 + cellBytes);
    if (/[",\r\n]|^$/.test(text)) {
      this.#bytes[this.#end++] = quote;
      this.#end += encoder.encodeInto(text.replaceAll('"', '""'), this.#bytes.subarray(this.#end)).written;
      this.#bytes[this.#end++] = quote;
    } else this.#end += source.copy(this.#bytes, this.#end, start, end);
  }

  #base64(value: Buffer): void {
    const text = value.length === 0 ? '""' : value.toString("base64");
    this.#grow(text.length + cellBytes);
    this.#end += this.#bytes.write(text, this.#end, "latin1");
  }

  #moment(source: Buffer, at: number, length: number, decimals: number): void {
    this.#fixed(source.readUInt16LE(at), 4);
    this.#bytes[this.#end++] = minus;
    this.#fixed(source[at + 2] as number, 2);
    this.#bytes[this.#end++] = minus;
    this.#fixed(source[at + 3] as number, 2);
    this.#bytes[this.#end++] = 32;
    this.#fixed(source[at + 4] as number, 2);
    this.#bytes[this.#end++] = 58;
    this.#fixed(source[at + 5] as number, 2);
    this.#bytes[this.#end++] = 58;
    this.#fixed(source[at + 6] as number, 2);
    const micros = length >= 11 ? source.readUInt32LE(at + 7) : 0;
    if (decimals === 0 || (decimals < 0 && micros === 0)) return;
    this.#bytes[this.#end++] = point;
    this.#fixed(micros, 6);
    this.#end -= decimals < 0 ? 0 : 6 - decimals;
  }

  #integer(value: number | bigint): void {
    if (typeof value === "bigint" || value < 0 || value > 0x7fffffff) {
      this.#ascii(String(value));
      return;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.#fixed(value, digits);
  }

  /** A number with up to four decimals is its own shortest form: two doubles never share 15 digits. */
  #real(value: number): void {
    const scaled = Math.round(value * 10000);
    if (!(value > 0 && value < 0x7fffffff) || scaled / 10000 !== value) {
      this.#ascii(Object.is(value, -0) ? "-0" : String(value));
      return;
    }
    const whole = Math.floor(scaled / 10000);
    this.#integer(whole);
    let rest = (scaled - whole * 10000) | 0;
    if (rest === 0) return;
    this.#bytes[this.#end++] = point;
    for (let unit = 1000; rest > 0; unit = (unit / 10) | 0) {
      const digit = (rest / unit) | 0;
      this.#bytes[this.#end++] = 48 + digit;
      rest -= digit * unit;
    }
  }

  /** A whole number of up to 31 bits in so many digits. */
  #fixed(value: number, digits: number): void {
    const bytes = this.#bytes;
    let place = this.#end + digits;
    this.#end = place;
    for (let rest = value | 0; digits > 0; digits--) {
      const tenth = (rest / 10) | 0;
      bytes[--place] = 48 + rest - tenth * 10;
      rest = tenth;
    }
  }

  #ascii(text: string): void {
    const bytes = this.#bytes;
    let end = this.#end;
    for (let index = 0; index < text.length; index++) bytes[end++] = text.charCodeAt(index);
    this.#end = end;
  }

  #grow(room: number): void {
    if (this.#end + room <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#end + room) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

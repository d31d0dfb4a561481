import type { RowSource } from "./rows.ts";
import type { Cell, Steps } from "./steps.ts";
import type { TextProof } from "./text-proof.ts";

/** Larger chunks are no faster, smaller ones are slower. */
const chunkBytes = 256 * 1024;

const comma = 44;
const lineEnd = 10;
const point = 46;

/** Texts up to here are copied character by character; a call into the runtime costs more than that. */
const shortText = 80;
/** Room that every cell but a long text fits into. */
const cellBytes = 256;
const encoder = new TextEncoder();

/** 1 for each ASCII character that stands for itself in a field. */
const plain = new Uint8Array(128).fill(1);
for (const special of ',"\r\n') plain[special.charCodeAt(0)] = 0;

/** Writes rows as CSV lines, in the one form CSV has in this product, a chunk of bytes at a time. */
export class CsvWriter {
  /** Rows written so far. */
  rows = 0;
  readonly #steps: Steps;
  readonly #proof: TextProof;
  readonly #booleans: readonly boolean[];
  #bytes = new Uint8Array(chunkBytes * 1.25);
  #end = 0;

  constructor({ steps, proof, columns }: Pick<RowSource, "steps" | "proof" | "columns">) {
    this.#steps = steps;
    this.#proof = proof;
    this.#booleans = columns.map(({ type }) => type === "boolean");
  }

  /** The next chunk; `undefined` after the last one. */
  next(): Uint8Array | undefined {
    while (this.#end < chunkBytes) {
      const row = this.#steps.next();
      if (row === undefined) break;
      this.#row(row);
      this.rows++;
    }
    if (this.#end === 0) return undefined;
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#bytes = new Uint8Array(chunkBytes * 1.25);
    this.#end = 0;
    return chunk;
  }

  #row(row: readonly Cell[]): void {
    for (let index = 0; index < row.length; index++) {
      if (index > 0) this.#bytes[this.#end++] = comma;
      if (this.#end + cellBytes > this.#bytes.length) this.#grow(cellBytes);
      const cell = row[index] as Cell;
      if (typeof cell === "string") this.#text(cell, index);
      else if (typeof cell === "bigint") this.#integer(cell, this.#booleans[index] === true);
      else if (typeof cell === "number") this.#real(cell);
      else if (cell !== null) this.#unusual(Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString("base64"), index);
    }
    this.#bytes[this.#end++] = lineEnd;
  }

  #text(text: string, column: number): void {
    const length = text.length;
    const bytes = this.#bytes;
    let end = this.#end;
    let index = length > shortText ? length : 0;
    for (; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127 || plain[code] === 0) break;
      bytes[end++] = code;
    }
    if (index === length && end > this.#end) this.#end = end;
    else this.#unusual(text, column);
  }

  /** Text that is empty, long, or more than plain ASCII. */
  #unusual(text: string, column: number): void {
    if (text.includes("\ufffd")) this.#proof.check(this.rows, column, text);
    const field = /[",\r\n]|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    this.#grow(field.length * 3 + cellBytes);
    this.#end += encoder.encodeInto(field, this.#bytes.subarray(this.#end)).written;
  }

  #integer(cell: bigint, isBoolean: boolean): void {
    const value = Number(cell);
    if (isBoolean && (value === 0 || value === 1)) this.#ascii(value === 1 ? "true" : "false");
    else if (value >= 0 && value <= 0x7fffffff) this.#digits(value | 0);
    else this.#ascii(Number.isSafeInteger(value) ? String(value) : String(cell));
  }

  /** A number with up to four decimals is its own shortest form: two doubles never share 15 digits. */
  #real(value: number): void {
    const scaled = Math.round(value * 10000);
    if (!(value > 0 && value < 0x7fffffff) || scaled / 10000 !== value) {
      this.#ascii(Object.is(value, -0) ? "-0" : String(value));
      return;
    }
    const whole = Math.floor(scaled / 10000);
    this.#digits(whole | 0);
    let rest = (scaled - whole * 10000) | 0;
    if (rest === 0) return;
    const bytes = this.#bytes;
    let end = this.#end;
    bytes[end++] = point;
    for (let unit = 1000; rest > 0; unit = (unit / 10) | 0) {
      const digit = (rest / unit) | 0;
      bytes[end++] = 48 + digit;
      rest -= digit * unit;
    }
    this.#end = end;
  }

  #digits(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    const bytes = this.#bytes;
    let place = this.#end + digits;
    this.#end = place;
    for (let rest = value; digits > 0; digits--) {
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
    const larger = new Uint8Array((this.#end + room) * 2);
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

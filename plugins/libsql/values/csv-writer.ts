import { isUtf8 } from "node:buffer";
import type { Cell, Row } from "../engine.ts";
import { brokenText, type Cells, integer, textDecoder } from "./cells.ts";

/** Larger chunks are no faster, smaller ones are slower. */
const chunkBytes = 256 * 1024;
/** Room that every cell but a text fits into. */
const cellBytes = 64;

const comma = 44;
const lineEnd = 10;
const quote = 34;
const encoder = new TextEncoder();

/** What a byte asks of the field it stands in: 1 for quotes around it, 2 for a look at its encoding. */
const asks = new Uint8Array(256).fill(2, 128);
for (const special of ',"\r\n') asks[special.charCodeAt(0)] = 1;

/** Writes rows as CSV lines, in the one form CSV has in this product. */
export class CsvWriter {
  /** Rows written so far. */
  rows = 0;
  readonly #exact: boolean;
  readonly #booleans: readonly boolean[];
  readonly #names: readonly string[];
  /** For a database that keeps its text in UTF-16. */
  readonly #decoders: readonly ((bytes: Uint8Array) => string)[] | undefined;
  #bytes = new Uint8Array(chunkBytes * 1.25);
  #end = 0;

  constructor({ columns, exact, encoding }: Cells) {
    this.#exact = exact;
    this.#booleans = columns.map(({ type }) => type === "boolean");
    this.#names = columns.map(({ name }) => name);
    if (encoding !== "utf-8") this.#decoders = columns.map(({ name }) => textDecoder(encoding, name));
  }

  get full(): boolean {
    return this.#end >= chunkBytes;
  }

  get empty(): boolean {
    return this.#end === 0;
  }

  take(): Uint8Array {
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#bytes = new Uint8Array(chunkBytes * 1.25);
    this.#end = 0;
    return chunk;
  }

  row(row: Row): void {
    for (let index = 0; index < row.length; index++) {
      this.#room(cellBytes);
      if (index > 0) this.#bytes[this.#end++] = comma;
      this.#cell(row[index] as Cell, index);
    }
    this.#room(1);
    this.#bytes[this.#end++] = lineEnd;
    this.rows++;
  }

  #cell(cell: Cell, index: number): void {
    if (cell === null) return;
    if (typeof cell === "bigint") this.#ascii(String(integer(cell, this.#booleans[index] === true)));
    else if (typeof cell === "number") this.#ascii(Object.is(cell, -0) ? "-0" : String(cell));
    else if ((typeof cell === "string") === this.#exact) {
      const bytes = typeof cell === "string" ? Buffer.from(cell, "hex") : Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength);
      this.#text(encoder.encode(bytes.toString("base64")), index);
    } else if (typeof cell === "string") this.#text(encoder.encode(cell), index);
    else this.#text(this.#decoders === undefined ? cell : encoder.encode(this.#decoders[index]?.(cell)), index);
  }

  #text(text: Uint8Array, index: number): void {
    this.#room(text.length + 2);
    const bytes = this.#bytes;
    let end = this.#end;
    let asked = text.length === 0 ? 1 : 0;
    for (let at = 0; at < text.length; at++) {
      const byte = text[at] as number;
      asked |= asks[byte] as number;
      bytes[end++] = byte;
    }
    if ((asked & 2) !== 0 && !isUtf8(text)) throw brokenText(this.#names[index] ?? "");
    if ((asked & 1) !== 0) this.#quoted(text);
    else this.#end = end;
  }

  #quoted(text: Uint8Array): void {
    this.#room(text.length * 2 + 2);
    const bytes = this.#bytes;
    let end = this.#end;
    bytes[end++] = quote;
    for (const byte of text) {
      if (byte === quote) bytes[end++] = quote;
      bytes[end++] = byte;
    }
    bytes[end++] = quote;
    this.#end = end;
  }

  #ascii(text: string): void {
    const bytes = this.#bytes;
    for (let index = 0; index < text.length; index++) bytes[this.#end++] = text.charCodeAt(index);
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array((this.#end + bytes) * 2);
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { type Dialect, encodeDelimited } from "./delimited.ts";

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n" };

/** PostgreSQL's text convention: NULL is `\N`; backslash, tab, CR and LF are `\\`, `\t`, `\r`, `\n`. A field is never quoted. */
export const tsv: Dialect = {
  separator: "\t",
  null: "\\N",
  special: /[\\\t\r\n]/,
  escape: (text) => text.replace(/[\\\t\r\n]/g, (character) => escapes[character] ?? character),
};

export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return encodeDelimited(rows, tsv, options);
}

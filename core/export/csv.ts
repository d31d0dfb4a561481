import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import { type Dialect, delimitedCell, delimitedHeader, delimitedRow, encodeDelimited, encodeRows } from "./delimited.ts";

/**
 * RFC 4180 with `\n` line ends. NULL is an empty field and empty text is `""`, so both survive; a
 * row whose only column is NULL is an empty line. Bytes are base64, lists and records compact JSON.
 */
const csv: Dialect = { separator: ",", null: "", special: /[",\r\n]/, escape: (text) => `"${text.replaceAll('"', '""')}"` };

/** Writes one value as a CSV field. */
export function csvCell(value: Value | undefined): string {
  return delimitedCell(value, csv);
}

/** Writes one row with its line end. */
export function csvRow(values: Iterable<Value | undefined>): string {
  return delimitedRow(values, csv);
}

/** Writes the header line with its line end. */
export function csvHeader(columns: readonly Column[]): string {
  return delimitedHeader(columns, csv);
}

export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return encodeDelimited(rows, csv, options);
}

/** Writes rows without a header. */
export function csvBody(batches: AsyncIterable<Batch>): AsyncIterable<Uint8Array> {
  return encodeRows(batches, csv);
}

import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { stage, stageCsv } from "./staging.ts";
import { typedFile } from "./typed-file.ts";

/**
 * Writes zstd-compressed Parquet. Rows are staged as text on disk and typed once all are there: a column
 * takes its declared type when every value survives it, else one that holds them all. Repeated names
 * become `x_2`. Memory stays flat; disk holds the rows as CSV meanwhile.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return typedFile({ columns: rows.columns, declared: false }, options, (folder) => stage(rows, folder));
}

/** The same for columns that hold what they declare: it is not looked for first, and seldom not so. */
export function encodeCsv(csv: CsvStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return typedFile({ columns: csv.columns, declared: true }, options, (folder) => stageCsv(csv, folder));
}

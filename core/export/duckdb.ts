import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { stage, stageCsv } from "./staging.ts";
import { typedFile } from "./typed-file.ts";

/** Writes a DuckDB database with one table, typed as `parquet` types its columns. Repeated names become `x_2`; memory stays flat. */
export function encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return typedFile({ columns: rows.columns, declared: false, into: "database" }, options, (folder) => stage(rows, folder));
}

/** The same for columns that hold what they declare. */
export function encodeCsv(csv: CsvStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return typedFile({ columns: csv.columns, declared: true, into: "database" }, options, (folder) => stageCsv(csv, folder));
}

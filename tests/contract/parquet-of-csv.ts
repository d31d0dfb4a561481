import assert from "node:assert/strict";
import type { CsvStream } from "../../core/contract/driver.ts";
import type { Exporter } from "../../core/contract/export.ts";
import type { RowStream } from "../../core/contract/rows.ts";
import { csvBody } from "../../core/export/csv.ts";
import { formatNamed } from "../../core/export/formats.ts";

const parquet = formatNamed("parquet");

/** Parquet by way of CSV, as it is made of engines whose columns are typed. */
export const parquetOfCsv: Exporter = {
  ...parquet,
  format: "parquet-of-csv",
  encode: (rows, options) => parquet.encodeCsv?.(csvOf(rows), options) ?? assert.fail("parquet reads CSV"),
};

/** What an engine whose columns are typed writes of its rows. */
export function csvOf(rows: RowStream): CsvStream {
  const counted = { rows: 0 };
  async function* counting() {
    for await (const batch of rows) {
      counted.rows += batch.length;
      yield batch;
    }
  }
  return {
    columns: rows.columns,
    get rows() {
      return counted.rows;
    },
    [Symbol.asyncIterator]: () => csvBody(counting())[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}

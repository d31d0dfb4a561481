import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions } from "../contract/export.ts";
import type { Column, RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { diskProblem } from "./disk-problem.ts";
import { convert } from "./parquet-convert.ts";
import { type Staged, stage, stageCsv } from "./staging.ts";

/**
 * Writes zstd-compressed Parquet. Rows are staged as text on disk and typed once all are there: a column
 * takes its declared type when every value survives it, else one that holds them all. Repeated names
 * become `x_2`. Memory stays flat; disk holds the rows as CSV meanwhile.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return converted(rows.columns, options, { declared: false }, (folder) => stage(rows, folder));
}

/** The same for columns that hold what they declare: it is not looked for first, and seldom not so. */
export function encodeCsv(csv: CsvStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return converted(csv.columns, options, { declared: true }, (folder) => stageCsv(csv, folder));
}

async function* converted(
  columns: readonly Column[],
  { tempFolder, signal }: EncodeOptions,
  { declared }: { readonly declared: boolean },
  staging: (folder: string) => Promise<Staged>,
): AsyncGenerator<Uint8Array> {
  if (columns.length === 0) {
    throw problem("INPUT_INVALID", "Cannot write Parquet: the result has no columns", "Run a statement that returns columns");
  }
  const folder = await mkdtemp(join(tempFolder, "parquet-")).catch(diskProblem(tempFolder));
  try {
    const staged = await staging(folder);
    const path = join(folder, "rows.parquet");
    await convert({ columns, staged, declared, folder, path, signal });
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

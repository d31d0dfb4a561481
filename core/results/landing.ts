import { chmod, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { Truncated } from "../contract/results.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import { uniqueNames } from "../export/cell.ts";
import { diskProblem, inTermsOf } from "../export/disk-problem.ts";
import { convert } from "../export/parquet-convert.ts";
import { type Staged, stage, stageCsv } from "../export/staging.ts";
import { problem } from "../problem.ts";

/** How much of a result is kept. */
export interface Bounds {
  readonly rows: number;
  /** Of the rows as text. */
  readonly bytes: number;
  /** When no more rows are waited for, by `performance.now()`. */
  readonly until: number;
}

/** What is read: rows, or the CSV of an engine whose columns hold what they declare. */
export type Arriving = { readonly rows: RowStream } | { readonly csv: CsvStream };

export interface Landed {
  readonly columns: readonly Column[];
  readonly rows: number;
  /** On the disk. */
  readonly bytes: number;
  readonly truncated?: Truncated;
}

/**
 * Writes a result to a file of DuckDB's own with one table, `rows`, typed without loss; the file appears whole or not at all.
 * It ends early at a bound and says so.
 * @throws LIMIT_EXCEEDED when the disk is full, and what the source throws
 */
export async function land(
  arriving: Arriving,
  path: string,
  bounds: Bounds,
  { signal, onRows = () => undefined }: { readonly signal: AbortSignal; readonly onRows?: ((rows: number) => void) | undefined },
): Promise<Landed> {
  const source = "rows" in arriving ? arriving.rows : arriving.csv;
  const columns = tableColumns(source.columns);
  const folder = await mkdtemp(`${path}.part-${process.pid}-`).catch(diskProblem(path));
  try {
    const cut: { by?: Truncated } = {};
    const isFull = (bytes: number): boolean => {
      if (bytes >= bounds.bytes) cut.by = "bytes";
      else if (performance.now() >= bounds.until) cut.by = "time";
      return cut.by !== undefined;
    };
    const staged = await staging(arriving, folder, { bounds, cut, isFull, onRows });
    signal.throwIfAborted();
    const made = join(folder, "stored");
    const declared = "csv" in arriving;
    const rows = await convert({ columns, staged, declared, folder, path: made, into: "database", signal });
    await chmod(made, 0o600);
    await rename(made, path).catch(diskProblem(path));
    return { columns, rows, bytes: (await stat(path)).size, ...(cut.by && { truncated: cut.by }) };
  } catch (error) {
    throw inTermsOf(path, folder, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The names a stored table has: each there once, whatever its case, as SQL wants it. */
function tableColumns(columns: readonly Column[]): readonly Column[] {
  if (columns.length === 0) throw problem("INPUT_INVALID", "Cannot keep a result without columns", "Run a statement that returns columns");
  const names = uniqueNames(columns, (name) => name.toLowerCase());
  return columns.map((column, index) => ({ ...column, name: (names[index] ?? "").replaceAll("\0", "\ufffd") }));
}

interface Staging {
  readonly bounds: Bounds;
  readonly cut: { by?: Truncated };
  readonly isFull: (bytes: number) => boolean;
  readonly onRows: (rows: number) => void;
}

async function staging(arriving: Arriving, folder: string, { bounds, cut, isFull, onRows }: Staging): Promise<Staged> {
  if ("rows" in arriving) return stage(bounded(arriving.rows, { ...bounds, onRows }, cut), folder, isFull);
  const { csv } = arriving;
  const tooMany = (bytes: number): boolean => {
    onRows(csv.rows);
    if (csv.rows >= bounds.rows) cut.by = "rows";
    return cut.by !== undefined || isFull(bytes);
  };
  return stageCsv(csv, folder, tooMany);
}

function bounded(
  rows: RowStream,
  { rows: most, onRows }: Pick<Bounds, "rows"> & Pick<Staging, "onRows">,
  cut: { by?: Truncated },
): RowStream {
  return {
    columns: rows.columns,
    async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
      let left = most;
      for await (const batch of rows) {
        if (batch.length <= left) yield batch;
        else {
          cut.by = "rows";
          if (left > 0) yield { length: left, columns: batch.columns.map((column) => Array.prototype.slice.call(column, 0, left)) };
          return;
        }
        left -= batch.length;
        onRows(most - left);
      }
    },
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}

import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EncodeOptions } from "../contract/export.ts";
import type { Column, RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { uniqueNames } from "./cell.ts";
import { diskProblem, noSpace } from "./disk-problem.ts";
import { plain, targetsOf } from "./parquet-types.ts";
import { type Staged, stage } from "./staging.ts";

/**
 * Writes zstd-compressed Parquet. Rows are staged as text on disk and typed once all are there: a column
 * takes its declared type when every value survives it, else one that holds them all. Repeated names
 * become `x_2`. Memory stays flat; disk holds the rows as CSV meanwhile.
 */
export async function* encode(rows: RowStream, { tempFolder, signal }: EncodeOptions): AsyncGenerator<Uint8Array> {
  if (rows.columns.length === 0) {
    throw problem("INPUT_INVALID", "Cannot write Parquet: the result has no columns", "Run a statement that returns columns");
  }
  const folder = await mkdtemp(join(tempFolder, "parquet-")).catch(diskProblem(tempFolder));
  try {
    const staged = await stage(rows, join(folder, "rows.csv"));
    await convert(rows.columns, staged, folder, signal);
    yield* createReadStream(join(folder, "rows.parquet"), { highWaterMark: 1024 * 1024 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function convert(columns: readonly Column[], staged: Staged, folder: string, signal: AbortSignal): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  signal.throwIfAborted();
  const instance = await DuckDBInstance.create(":memory:", {
    temp_directory: folder,
    autoinstall_known_extensions: "false",
    // One thread and a limit, because DuckDB would otherwise keep the whole file in memory.
    threads: "1",
    memory_limit: `${384 + Math.ceil((8 * staged.longest) / 2 ** 20)}MiB`,
  });
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt);
  try {
    const source = readCsv(join(folder, "rows.csv"), staged);
    const select = await typedColumns(columns, staged, source, connection);
    const target = literal(join(folder, "rows.parquet"));
    await connection.run(
      `COPY (SELECT ${select} FROM ${source}) TO ${target} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup(staged)})`,
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Error && /No space left|Could not write all bytes/i.test(error.message) ? noSpace(folder, error) : error;
  } finally {
    signal.removeEventListener("abort", interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

/** One thread reads, because only then line ends inside quotes are safe; the line limit is what was staged. */
function readCsv(path: string, { kinds, longest }: Staged): string {
  const names = kinds.map((_, index) => `c${index}: 'VARCHAR'`).join(", ");
  const line = Math.max(longest, 2 ** 21);
  return (
    `read_csv(${literal(path)}, auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', nullstr='', ` +
    `allow_quoted_nulls=false, parallel=false, max_line_size=${line}, buffer_size=${Math.max(2 * line, 2 ** 25)}, columns={${names}})`
  );
}

/** Rows per group: DuckDB's own number, or as many as take about 32 MB of text. */
function rowGroup({ rows, bytes }: Staged): number {
  return Math.min(122_880, Math.max(2_048, Math.floor((2 ** 25 * rows) / Math.max(bytes, 1))));
}

/** Picks each column's first type that every staged value survives. */
async function typedColumns(columns: readonly Column[], { kinds }: Staged, source: string, connection: DuckDBConnection): Promise<string> {
  const names = uniqueNames(columns, (name) => name.toLowerCase());
  const targets = columns.map((column, index) => targetsOf(column, kinds[index] ?? "VARCHAR", `c${index}`));
  const checks = targets.flat().map(({ survives }) => `coalesce(bool_and(${survives}), true)`);
  const answers =
    checks.length === 0 ? [] : ((await connection.runAndReadAll(`SELECT ${checks.join(", ")} FROM ${source}`)).getRows()[0] ?? []);
  let next = 0;
  return names
    .map((name, index) => {
      const survivors = (targets[index] ?? []).filter(() => answers[next++] === true);
      const value = survivors[0]?.value ?? plain(kinds[index] ?? "VARCHAR", `c${index}`);
      return `${value} AS "${name.replaceAll("\0", "\ufffd").replaceAll('"', '""')}"`;
    })
    .join(", ");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

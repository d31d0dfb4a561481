import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { uniqueNames } from "./cell.ts";
import { noSpace } from "./disk-problem.ts";
import { columnNote, noteTypes } from "./notes.ts";
import { declaredColumn, type SqliteColumn, type Stored, widened } from "./sqlite-columns.ts";
import { quotedName, tableName } from "./table-name.ts";
import { fileWritten } from "./written-file.ts";

const mostColumns = 2_000;

/**
 * Writes a SQLite database with one STRICT table. Integers, floats and bytes have types of their own, all else is
 * exact text; a column with a value of another type than its own takes any. Memory stays flat.
 * @throws INPUT_INVALID without columns, LIMIT_EXCEEDED for more than SQLite has, or a full disk
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  return fileWritten(options, (path) => writeDatabase(rows, path, options));
}

const instead = {
  boolean: "1 and 0",
  decimal: "text",
  date: "text",
  time: "text",
  timestamp: "text",
  timestamptz: "text",
  interval: "text",
  uuid: "text",
  json: "text",
  list: "JSON text",
} as const;

async function writeDatabase(rows: RowStream, path: string, options: EncodeOptions): Promise<void> {
  const { columns } = rows;
  if (columns.length === 0) {
    throw problem("INPUT_INVALID", "Cannot write SQLite: the result has no columns", "Run a statement that returns columns");
  }
  if (columns.length > mostColumns) {
    throw problem(
      "LIMIT_EXCEEDED",
      `The result has ${columns.length} columns: a SQLite table holds ${mostColumns}`,
      "Select fewer columns",
    );
  }
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  try {
    // Nobody else sees the file, and it is thrown away when anything fails.
    database.exec(
      "PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA locking_mode = exclusive; PRAGMA cache_size = -16384; BEGIN",
    );
    const table = createTable(database, columns, options);
    for await (const batch of rows) {
      options.signal.throwIfAborted();
      table.insert(batch);
    }
    database.exec("COMMIT");
    noteTypes(table.asDeclared(), instead, options);
  } catch (error) {
    throw error instanceof Error && /database or disk is full|disk I\/O error/.test(error.message) ? noSpace(path, error) : error;
  } finally {
    database.close();
  }
}

/** A table that grows, and whose columns take any value as soon as one needs that. */
function createTable(database: DatabaseSync, columns: readonly Column[], options: EncodeOptions) {
  const name = quotedName(tableName(options));
  const names = uniqueNames(columns, (each) => each.toLowerCase()).map(quotedName);
  const kept = columns.map(declaredColumn);
  const create = (table: string) =>
    database.exec(`CREATE TABLE ${table} (${names.map((each, index) => `${each} ${kept[index]?.type}`).join(", ")}) STRICT`);
  const prepare = () => database.prepare(`INSERT INTO ${name} VALUES (${names.map(() => "?").join(", ")})`);
  const widen = (misfits: readonly number[]) => {
    const copied = names.map((each, index) => (misfits.includes(index) && columns[index]?.type === "boolean" ? words(each) : each));
    for (const index of misfits) {
      const column = columns[index];
      if (column) {
        kept[index] = widened(column);
        options.note?.(columnNote(column.name, `values of several types, because not all are ${column.nativeType || column.type}`));
      }
    }
    const before = quotedName(`${tableName(options)} before`);
    database.exec(`ALTER TABLE ${name} RENAME TO ${before}`);
    create(name);
    database.exec(`INSERT INTO ${name} SELECT ${copied.join(", ")} FROM ${before}; DROP TABLE ${before}`);
    statement = prepare();
  };
  create(name);
  let statement = prepare();
  return {
    asDeclared: () => columns.filter((column, index) => kept[index] === declaredColumn(column)),
    insert(batch: Batch) {
      const stored = storedColumns(batch, kept);
      if (stored.misfits.length > 0) {
        widen(stored.misfits);
        this.insert(batch);
      } else insertRows(statement, stored.columns, batch.length);
    },
  };
}

/** The truths of a column that has other values too. */
function words(name: string): string {
  return `CASE ${name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`;
}

interface StoredBatch {
  readonly columns: readonly (readonly Stored[])[];
  /** Columns with a value that their type cannot hold. */
  readonly misfits: readonly number[];
}

function storedColumns({ columns, length }: Batch, kept: readonly SqliteColumn[]): StoredBatch {
  const misfits: number[] = [];
  const stored = kept.map(({ store }, index) => {
    const values = columns[index] ?? [];
    const found = new Array<Stored>(length).fill(null);
    for (let row = 0; row < length; row++) {
      const value = values[row];
      if (value === null || value === undefined) continue;
      const kind = store(value);
      if (kind !== undefined) found[row] = kind;
      else if (misfits.at(-1) !== index) misfits.push(index);
    }
    return found;
  });
  return { columns: stored, misfits };
}

function insertRows(statement: StatementSync, columns: readonly (readonly Stored[])[], length: number): void {
  const cells = new Array<Stored>(columns.length).fill(null);
  for (let row = 0; row < length; row++) {
    for (let index = 0; index < cells.length; index++) cells[index] = columns[index]?.[row] ?? null;
    statement.run(...cells);
  }
}

import type { Column } from "../../../core/contract/rows.ts";
import type { Cell, Reader, Row } from "../engine.ts";
import { engineError, isEngineError } from "../engine-error.ts";
import { logicalType } from "../values/column-type.ts";
import type { Native, NativeDatabase, NativeRows, NativeStatement } from "./native.ts";

/** Rows are fetched so many at a time, fewer where they are wide. */
const mostRows = 128;
const wantedBytes = 512 * 1024;

export interface Statements {
  prepare(sql: string): NativeStatement;
  columns(statement: NativeStatement): Column[];
  /** What the engine's list of prepared statements says of one that is still held. */
  isReadOnly(statement: NativeStatement, sql: string): boolean;
  run(sql: string, args?: Row): number;
  read(sql: string, columns: readonly Column[], args: Row): Reader;
  /** All rows of a statement of this driver's own. */
  all(sql: string): Row[];
}

export function createStatements(native: Native, database: NativeDatabase): Statements {
  const start = (statement: NativeStatement, args: Row): NativeRows => native.statementRowsSync.call(statement, args);
  const prepare = (sql: string): NativeStatement => {
    const statement = named(() => native.databasePrepareSync.call(database, sql));
    if (native.statementIsReader.call(statement)) native.statementRaw.call(statement, true);
    native.statementSafeIntegers.call(statement, true);
    return statement;
  };
  return {
    prepare,
    isReadOnly(statement, sql) {
      const listed = prepare("select min(ro) from sqlite_stmt where sql = ?");
      const [row] = fetched(native, start(listed, [sql]), 2);
      // Named once more, so that it is not forgotten, and gone from the list, before it was looked up.
      native.statementIsReader.call(statement);
      return row?.[0] === 1n;
    },
    columns: (statement) => native.statementColumns.call(statement).map(toColumn),
    run: (sql, args = []) => named(() => native.statementRun.call(prepare(sql), args)).changes,
    all(sql) {
      const statement = prepare(sql);
      const rows = start(statement, []);
      const found: Row[] = [];
      // Asked once more after its last row, the engine would begin again.
      for (let last = mostRows; last === mostRows; ) {
        const got = fetched(native, rows, mostRows);
        found.push(...got);
        last = got.length;
      }
      if (isExplain(sql)) native.statementGet.call(statement, []);
      return found;
    },
    read(sql, columns, args) {
      const statement = prepare(sql);
      let rows: NativeRows | undefined;
      let done = false;
      let count = 1;
      return {
        columns,
        async next() {
          if (done) return undefined;
          try {
            rows ??= named(() => start(statement, args));
            const got = fetched(native, rows, count);
            done = got.length < count;
            if (done && isExplain(sql)) native.statementGet.call(statement, args);
            count = Math.max(1, Math.min(mostRows, count * 8, Math.floor(wantedBytes / bytesOf(got.at(-1)))));
            return got.length > 0 ? got : undefined;
          } catch (error) {
            done = true;
            throw error;
          }
        },
        async close() {
          if (!done && rows !== undefined) stop(native, database, rows);
          done = true;
        },
      };
    },
  };
}

/** The engine frees a statement that was left only when JavaScript forgets it, and its locks with it. Failing frees them at once. */
function stop(native: Native, database: NativeDatabase, rows: NativeRows): void {
  native.databaseInterrupt.call(database);
  try {
    native.rowsNext.call(rows, [undefined]);
  } catch {
    // It was interrupted: that is what ends it.
  }
}

/** To the engine, the EXPLAIN of a write is a write in progress until it is reset: nothing else could commit. */
function isExplain(sql: string): boolean {
  return /^explain\b/i.test(sql);
}

function fetched(native: Native, rows: NativeRows, most: number): Row[] {
  const into = new Array<readonly Cell[] | undefined>(most).fill(undefined);
  named(() => native.rowsNext.call(rows, into));
  const end = into.indexOf(undefined);
  return (end === -1 ? into : into.slice(0, end)) as Row[];
}

function bytesOf(row: Row = []): number {
  return row.reduce((sum: number, cell) => sum + (typeof cell === "string" || cell instanceof Uint8Array ? cell.length : 8), 1);
}

function toColumn({ name, type, database, table, column }: ReturnType<Native["statementColumns"]>[number]): Column {
  return {
    name,
    type: logicalType(type ?? ""),
    nativeType: type ?? "",
    ...(table !== null && column !== null && { origin: { ...(database !== null && { schema: database }), table, column } }),
  };
}

/** The engine's errors in the form this driver reads. */
function named<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { libsqlError, rawCode } = error as { readonly libsqlError?: boolean; readonly rawCode?: number };
    throw libsqlError && error instanceof Error && !isEngineError(error)
      ? engineError(error.message, rawCode ?? 1, { cause: error })
      : error;
  }
}

import { open } from "node:fs/promises";
import { join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { Batch, LogicalType, RowStream, Value } from "../contract/rows.ts";
import { isSafe } from "./cell.ts";
import { csvBody } from "./csv.ts";
import { diskProblem } from "./disk-problem.ts";
import { writeAll } from "./sink.ts";

/** What all values of a column are. `SAFE` is an integer a double holds too. */
export type Kind = "BOOLEAN" | "SAFE" | "BIGINT" | "DOUBLE" | "BLOB" | "VARCHAR";

/** A stream written to CSV files, and what was learnt on the way. */
export interface Staged {
  /** In the order of their rows. */
  readonly paths: readonly string[];
  readonly kinds: readonly Kind[];
  /** Those that were read; where staging ended early the last of them are not in the files. */
  readonly rows: number;
  readonly bytes: number;
  /** No line is longer than this many bytes. */
  readonly longest: number;
}

/** Told after each chunk how many bytes there are; yes ends the staging there. */
export type IsFull = (bytes: number) => boolean;

/** A file ends with the chunk that fills it. */
const fileBytes = 4 * 2 ** 20;

/** The kind of a column without values; for a type left out, values alone decide. */
const declared: Readonly<Partial<Record<LogicalType, Kind>>> = { boolean: "BOOLEAN", int: "SAFE", bigint: "BIGINT", bytes: "BLOB" };
const observed: ReadonlySet<LogicalType> = new Set(["boolean", "int", "bigint", "bytes", "unknown"]);

/**
 * Writes a stream to CSV files without a header, every value exact, and finds what each column holds.
 * Some engines keep any type in any column, so what the columns declare is not enough.
 */
export async function stage(rows: RowStream, folder: string, isFull?: IsFull): Promise<Staged> {
  const found = rows.columns.map(({ type }): Kind | undefined =>
    type === "float" ? "DOUBLE" : observed.has(type) ? undefined : "VARCHAR",
  );
  const total = { rows: 0 };
  const files = await writeFiles(csvBody(watched(rows, found, total)), folder, isFull);
  return { ...files, ...total, kinds: found.map((kind, index) => kind ?? declaredKind(rows.columns[index]?.type)) };
}

/** Writes the CSV of an engine whose columns hold what they declare. */
export async function stageCsv(csv: CsvStream, folder: string, isFull?: IsFull): Promise<Staged> {
  const files = await writeFiles(csv, folder, isFull);
  return { ...files, rows: csv.rows, kinds: csv.columns.map(({ type }) => (type === "float" ? "DOUBLE" : declaredKind(type))) };
}

function declaredKind(type: LogicalType = "unknown"): Kind {
  return declared[type] ?? "VARCHAR";
}

/** Several files, none of which ends inside a row, are read by several threads, each of which knows where its rows begin. */
async function writeFiles(
  chunks: AsyncIterable<Uint8Array>,
  folder: string,
  isFull: IsFull = () => false,
): Promise<Pick<Staged, "paths" | "bytes" | "longest">> {
  const paths: string[] = [];
  const total = { bytes: 0, longest: 0 };
  let room = 0;
  const next = () => {
    const path = join(folder, `rows-${paths.length}.csv`);
    paths.push(path);
    room = fileBytes;
    return open(path, "wx").catch(diskProblem(path));
  };
  let file = await next();
  try {
    for await (const chunk of chunks) {
      if (room <= 0) {
        await file.close();
        file = await next();
      }
      room -= chunk.length;
      total.bytes += chunk.length;
      total.longest = Math.max(total.longest, chunk.length);
      await writeAll(file, chunk).catch(diskProblem(folder));
      if (isFull(total.bytes)) break;
    }
  } finally {
    await file.close();
  }
  return { ...total, paths };
}

async function* watched(rows: RowStream, found: (Kind | undefined)[], total: { rows: number }): AsyncGenerator<Batch> {
  for await (const batch of rows) {
    total.rows += batch.length;
    for (const [index, values] of batch.columns.entries()) found[index] = joined(found[index], values, batch.length);
    yield batch;
  }
}

function joined(before: Kind | undefined, values: ArrayLike<Value>, length: number): Kind | undefined {
  let kind = before;
  for (let row = 0; row < length && kind !== "VARCHAR"; row++) {
    const value = values[row];
    if (value !== null && value !== undefined) kind = meet(kind, kindOf(value));
  }
  return kind;
}

/** The kind that holds the values of both. */
function meet(a: Kind | undefined, b: Kind): Kind {
  if (a === undefined || a === b) return b;
  if (a === "SAFE" && (b === "BIGINT" || b === "DOUBLE")) return b;
  return b === "SAFE" && (a === "BIGINT" || a === "DOUBLE") ? a : "VARCHAR";
}

function kindOf(value: NonNullable<Value>): Kind {
  switch (typeof value) {
    case "boolean":
      return "BOOLEAN";
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? "SAFE" : "DOUBLE";
    case "bigint":
      if (isSafe(value)) return "SAFE";
      return BigInt.asIntN(64, value) === value ? "BIGINT" : "VARCHAR";
    default:
      return value instanceof Uint8Array ? "BLOB" : "VARCHAR";
  }
}

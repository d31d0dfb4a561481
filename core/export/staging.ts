import { type FileHandle, open } from "node:fs/promises";
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
  readonly rows: number;
  readonly bytes: number;
  /** No line is longer than this many bytes. */
  readonly longest: number;
}

/** A file ends with the chunk that fills it: several can then be read at once, each by one thread. */
const fileBytes = 8 * 2 ** 20;

/** The kind of a column without values; for a type left out, values alone decide. */
const declared: Readonly<Partial<Record<LogicalType, Kind>>> = { boolean: "BOOLEAN", int: "SAFE", bigint: "BIGINT", bytes: "BLOB" };
const observed: ReadonlySet<LogicalType> = new Set(["boolean", "int", "bigint", "bytes", "unknown"]);

/**
 * Writes a stream to a CSV file without a header, every value exact, and finds what each column holds.
 * Some engines keep any type in any column, so what the columns declare is not enough.
 */
export async function stage(rows: RowStream, path: string): Promise<Staged> {
  const found = rows.columns.map(({ type }): Kind | undefined =>
    type === "float" ? "DOUBLE" : observed.has(type) ? undefined : "VARCHAR",
  );
  const total = { rows: 0, bytes: 0, longest: 0 };
  await using file = await open(path, "wx").catch(diskProblem(path));
  for await (const chunk of csvBody(watched(rows, found, total))) {
    total.bytes += chunk.length;
    total.longest = Math.max(total.longest, chunk.length);
    await writeAll(file, chunk).catch(diskProblem(path));
  }
  return { ...total, paths: [path], kinds: found.map((kind, index) => kind ?? declared[rows.columns[index]?.type ?? "unknown"] ?? "VARCHAR") };
}

/** Writes CSV whose columns are typed to files in `folder`, as it comes. */
export async function stageCsv(csv: CsvStream, folder: string): Promise<Staged> {
  const total = { bytes: 0, longest: 0 };
  const paths: string[] = [];
  let file: FileHandle | undefined;
  let room = 0;
  const next = () => {
    const path = join(folder, `rows-${paths.length}.csv`);
    paths.push(path);
    room = fileBytes;
    return open(path, "wx").catch(diskProblem(path));
  };
  try {
    file = await next();
    for await (const chunk of csv) {
      if (room <= 0) {
        await file.close();
        file = await next();
      }
      await writeAll(file, chunk).catch(diskProblem(folder));
      room -= chunk.length;
      total.bytes += chunk.length;
      total.longest = Math.max(total.longest, chunk.length);
    }
  } finally {
    await file?.close();
  }
  return { ...total, paths, rows: csv.rows, kinds: csv.columns.map(({ type }) => (type === "float" ? "DOUBLE" : (declared[type] ?? "VARCHAR"))) };
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
    if (value !== null && value !== undefined) kind = join(kind, kindOf(value));
  }
  return kind;
}

/** The kind that holds the values of both. */
function join(a: Kind | undefined, b: Kind): Kind {
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

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Column, LogicalType } from "../contract/rows.ts";
import { uniqueNames } from "./cell.ts";
import { noSpace } from "./disk-problem.ts";
import { columnNote } from "./notes.ts";
import { declaredTarget, plain, type Target, targetsOf, targetsOfText } from "./parquet-types.ts";
import type { Kind, Staged } from "./staging.ts";
import { quotedName } from "./table-name.ts";

/** What DuckDB may use, with so much more for each column that a thread holds; it takes most of that only for wide texts. */
const memoryMiB = 128;
const columnMiB = 2;
/** Each thread holds row groups of its own. */
const threadsFor = (columns: number) => (columns > 32 ? 1 : 2);

export interface Conversion {
  readonly columns: readonly Column[];
  readonly staged: Staged;
  /** True when each column is thought to hold what it declares: that is then found out on the way. */
  readonly declared: boolean;
  /** For what does not fit in memory. */
  readonly folder: string;
  readonly path: string;
  /** Absent means a Parquet file; `database` one of DuckDB's own. */
  readonly into?: "database";
  /** The table's name in a database; absent means `rows`. */
  readonly table?: string;
  /** Stands in a Parquet file's metadata. */
  readonly writer?: string | undefined;
  /** Told of a column that does not take the type it declares. */
  readonly note?: ((text: string) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Writes staged rows, typed, as one file; says how many there are. */
export async function convert(conversion: Conversion): Promise<number> {
  const { staged, declared, folder, signal } = conversion;
  const { DuckDBInstance } = await import("@duckdb/node-api");
  signal.throwIfAborted();
  const threads = threadsFor(staged.kinds.length);
  const instance = await DuckDBInstance.create(":memory:", {
    temp_directory: folder,
    autoinstall_known_extensions: "false",
    threads: String(threads),
    memory_limit: `${memoryMiB + threads * columnMiB * staged.kinds.length + Math.ceil((16 * staged.longest) / 2 ** 20)}MiB`,
  });
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt);
  try {
    if (conversion.into) await connection.run(`ATTACH ${literal(conversion.path)} AS stored`);
    const scaled = conversion.into ? { ...conversion, columns: await withScales(conversion, connection) } : conversion;
    const found = declared ? await copied(scaled, asDeclared(scaled), connection) : undefined;
    const rows = found ?? (await copy(copySql(scaled, await asFound(scaled, connection)), connection));
    if (conversion.into) await connection.run("DETACH stored");
    return rows;
  } catch (error) {
    signal.throwIfAborted();
    throw isDiskFull(error) ? noSpace(folder, error) : error;
  } finally {
    signal.removeEventListener("abort", interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

/** Nothing when a value is not what its column declares, or anything else kept the rows from being read so. */
async function copied({ signal }: Conversion, sql: string, connection: DuckDBConnection): Promise<number | undefined> {
  try {
    return await copy(sql, connection);
  } catch (error) {
    if (signal.aborted || isDiskFull(error)) throw error;
    return undefined;
  }
}

async function copy(sql: string, connection: DuckDBConnection): Promise<number> {
  const result = await connection.runAndReadAll(sql);
  return Number(result.getRows()[0]?.[0] ?? 0);
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && /No space left|Could not write all bytes/i.test(error.message);
}

/**
 * A decimal that declares no scale is a number all the same, which SQL over it wants to add up: where all its values have one
 * scale that is taken for the declared one, and each is read back as it was written.
 */
async function withScales({ columns, staged }: Conversion, connection: DuckDBConnection): Promise<readonly Column[]> {
  const open = columns.flatMap(({ type, nativeType }, index) => (type === "decimal" && !/\(\d/.test(nativeType) ? [index] : []));
  if (open.length === 0) return columns;
  const facts = open.map((index) => {
    const name = `c${index}`;
    const scale = `CASE WHEN contains(${name}, '.') THEN length(${name}) - strpos(${name}, '.') WHEN ${name} IS NOT NULL THEN 0 END`;
    const fits = `regexp_full_match(${name}, '-?\\d+(\\.\\d+)?') AND length(replace(ltrim(${name}, '-'), '.', '')) <= 38`;
    return `[CASE WHEN bool_and(${fits}) THEN min(${scale}) END, max(${scale})]`;
  });
  const source = readCsv(
    staged,
    columns.map(() => "VARCHAR"),
  );
  const [row = []] = (await connection.runAndReadAll(`SELECT ${facts.join(", ")} FROM ${source}`)).getRowsJson() as (string | null)[][][];
  return columns.map((column, index) => {
    const [least, most] = row[open.indexOf(index)] ?? [null, null];
    return least !== null && least === most ? { ...column, nativeType: `decimal(38,${least})` } : column;
  });
}

interface Selection {
  readonly values: readonly string[];
  readonly source: string;
}

function asDeclared(conversion: Conversion): string {
  const targets = conversion.columns.map((column, index) => declaredTarget(column, `c${index}`));
  const source = readCsv(
    conversion.staged,
    targets.map(({ read }) => read),
  );
  return copySql(conversion, { values: targets.map(({ value }) => value), source });
}

/** Picks each column's first type that every staged value survives. */
async function asFound({ columns, staged, declared, note }: Conversion, connection: DuckDBConnection): Promise<Selection> {
  const kindOf = (index: number) => staged.kinds[index] ?? "VARCHAR";
  const source = readCsv(
    staged,
    columns.map(() => "VARCHAR"),
  );
  const targets = columns.map((column, index) => (declared ? targetsOfText : targetsOf)(column, kindOf(index), `c${index}`));
  const checks = targets.flat().map(({ survives }) => `coalesce(bool_and(${survives}), true)`);
  const answers =
    checks.length === 0 ? [] : ((await connection.runAndReadAll(`SELECT ${checks.join(", ")} FROM ${source}`)).getRows()[0] ?? []);
  let next = 0;
  const values = targets.map((candidates, index) => {
    const [survivor] = candidates.filter(() => answers[next++] === true);
    const kind = declared && kindOf(index) !== "BLOB" ? "VARCHAR" : kindOf(index);
    const column = columns[index];
    const taken = column && takenInstead(column, { kind, candidates, survivor });
    if (column && taken !== undefined) {
      note?.(columnNote(column.name, `${taken}, because not every value is of type ${column.nativeType || column.type}`));
    }
    return survivor?.value ?? plain(kind, `c${index}`);
  });
  return { values, source };
}

/** What a column is that does not take the type it declares; `undefined` where it does. */
function takenInstead(
  { type }: Column,
  found: { readonly kind: Kind; readonly candidates: readonly Target[]; readonly survivor: Target | undefined },
): string | undefined {
  const { kind, candidates, survivor } = found;
  if (candidates.length > 0 ? survivor === candidates[0] : (ownKinds[type]?.includes(kind) ?? true)) return undefined;
  return survivor?.type ?? plainTypes[kind];
}

const ownKinds: Readonly<Partial<Record<LogicalType, readonly Kind[]>>> = {
  boolean: ["BOOLEAN"],
  int: ["SAFE", "BIGINT"],
  bigint: ["SAFE", "BIGINT"],
  bytes: ["BLOB"],
};
const plainTypes = { BOOLEAN: "BOOLEAN", SAFE: "BIGINT", BIGINT: "BIGINT", DOUBLE: "DOUBLE", BLOB: "BLOB", VARCHAR: "text" } as const;

function copySql({ columns, staged, path, into, table = "rows", writer }: Conversion, { values, source }: Selection): string {
  const names = uniqueNames(columns, (name) => name.toLowerCase());
  const select = names.map((name, index) => `${values[index]} AS ${quotedName(name)}`).join(", ");
  if (into) return `CREATE TABLE stored.${quotedName(table)} AS SELECT ${select} FROM ${source}`;
  const how = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup(staged)}, KV_METADATA ${metadata(columns, writer)}`;
  return `COPY (SELECT ${select} FROM ${source}) TO ${literal(path)} (${how})`;
}

/** Who wrote the file, and what the columns were where they came from. */
function metadata(columns: readonly Column[], writer = "tidegate"): string {
  const source = columns.map(({ name, type, nativeType }) => ({ name, type, nativeType }));
  return `{'tidegate.writer': ${literal(writer)}, 'tidegate.columns': ${literal(JSON.stringify(source))}}`;
}

/** One thread reads a file, because only then line ends inside quotes are safe; the line limit is what was staged. */
function readCsv({ paths, longest }: Staged, types: readonly string[]): string {
  const columns = types.map((type, index) => `c${index}: '${type}'`).join(", ");
  const line = Math.max(longest, 2 ** 21);
  return (
    `read_csv([${paths.map(literal).join(", ")}], auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', nullstr='', ` +
    `allow_quoted_nulls=false, parallel=false, max_line_size=${line}, buffer_size=${2 * line}, columns={${columns}})`
  );
}

/** Rows per group: DuckDB's own number, or as many as take about 32 MB, as text or as the 16 bytes of a value. */
function rowGroup({ rows, bytes, kinds }: Staged): number {
  const fits = Math.min((2 ** 25 * rows) / Math.max(bytes, 1), 2 ** 25 / (16 * kinds.length));
  return Math.min(122_880, Math.max(2_048, Math.floor(fits)));
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

import type { CatalogColumn, CatalogDetail, CatalogObject } from "../../../contract/catalog.ts";
import type { Column, Value } from "../../../contract/rows.ts";
import { failure } from "./failure.ts";
import type { Expression, Select } from "./sql.ts";

/** A table in memory. */
export interface Table {
  readonly about: CatalogObject & { readonly columns: readonly CatalogColumn[] };
  readonly rows: readonly (readonly Value[])[];
}

/** Columns, and rows that are made while they are read. */
export interface Result {
  readonly columns: readonly Column[];
  readonly rows: AsyncIterable<readonly Value[]>;
}

const tables = new Map<string, Table>();

export function addTable(table: Table): void {
  tables.set(table.about.name, table);
}

/** Two tables of the engine's own: `numbers` never ends, and `silence` never gives a row. */
const engineColumns: readonly Column[] = [
  { name: "number", type: "int", nativeType: "integer" },
  { name: "text", type: "text", nativeType: "text" },
];
const engineTables: Readonly<Record<string, (signal: AbortSignal) => AsyncIterable<readonly Value[]>>> = {
  async *numbers() {
    for (let number = 1; ; number++) yield [number, String(number).padStart(200, "0")];
  },
  async *silence(signal) {
    await new Promise((_, left) => signal.addEventListener("abort", () => left(signal.reason), { once: true }));
  },
};

export function describeTables(detail: CatalogDetail, name: string | undefined): CatalogObject[] {
  const found = [...tables.values()].map(({ about }) => about).filter((about) => name === undefined || about.name === name);
  const sorted = found.sort((a, b) => (a.name < b.name ? -1 : 1));
  return detail === "names" ? sorted.map(({ name, kind }) => ({ name, kind })) : sorted;
}

/** Binds a statement to the tables there are, and starts it. */
export function select({ items, table, where, order, limit }: Select, params: readonly Value[], signal: AbortSignal): Result {
  const source = sourceOf(table, signal);
  const position = (name: string): number => {
    const found = source.columns.findIndex((column) => column.name === name);
    if (found >= 0) return found;
    const hint = `Use one of: ${source.columns.map((column) => column.name).join(", ")}`;
    throw failure({ code: "SQL_INVALID", message: `There is no column "${name}"`, hint, missing: name, missingKind: "column" });
  };
  const all = source.columns.map((column) => ({ name: column.name, value: { column: column.name } }));
  const outputs = items.flatMap((item) => (item === "*" ? all : [item]));
  const columns = outputs.map(({ name, value }): Column => {
    if ("column" in value) return { ...(source.columns[position(value.column)] as Column), name };
    return { name, type: "count" in value ? "int" : value.type, nativeType: "" };
  });
  const evaluate = (value: Expression, row: readonly Value[]): Value => {
    if ("column" in value) return row[position(value.column)] ?? null;
    if ("parameter" in value) return params[value.parameter] ?? null;
    return "literal" in value ? value.literal : null;
  };
  const keeps = (row: readonly Value[]): boolean =>
    where.every(({ column, test, value }) => holds(row[position(column)] ?? null, test, evaluate(value, row)));
  const sort = order && { column: position(order.column), sign: order.descending ? -1 : 1 };
  for (const { column } of where) position(column);

  const rows = async function* (): AsyncGenerator<readonly Value[]> {
    const kept = sort ? sorted(filter(source.rows, keeps), sort) : filter(source.rows, keeps);
    const counts = outputs.some(({ value }) => "count" in value);
    let count = 0;
    for await (const row of kept) {
      if (!counts && count === limit) return;
      count++;
      if (!counts) yield outputs.map(({ value }) => evaluate(value, row));
    }
    if (counts) yield outputs.map(() => count);
  };
  return { columns, rows: rows() };
}

function sourceOf(name: string | undefined, signal: AbortSignal): Result {
  if (name === undefined) return { columns: [], rows: filter([[]], () => true) };
  const table = tables.get(name);
  if (table !== undefined) return { columns: table.about.columns, rows: filter(table.rows, () => true) };
  const own = Object.hasOwn(engineTables, name) ? engineTables[name] : undefined;
  if (own !== undefined) return { columns: engineColumns, rows: own(signal) };
  const hint = `Use one of: ${[...tables.keys(), ...Object.keys(engineTables)].join(", ")}`;
  throw failure({ code: "SQL_INVALID", message: `There is no table "${name}"`, hint, missing: name, missingKind: "object" });
}

async function* filter(rows: Iterable<readonly Value[]> | AsyncIterable<readonly Value[]>, keeps: (row: readonly Value[]) => boolean) {
  for await (const row of rows) if (keeps(row)) yield row;
}

async function* sorted(rows: AsyncIterable<readonly Value[]>, { column, sign }: { readonly column: number; readonly sign: number }) {
  const all = await Array.fromAsync(rows);
  yield* all.sort((a, b) => sign * (compare(a[column] ?? null, b[column] ?? null) ?? 0));
}

/** As in SQL, nothing can be said of null. */
function compare(a: Value, b: Value): number | undefined {
  if (a === null || b === null) return undefined;
  return a === b ? 0 : a < b ? -1 : 1;
}

function holds(left: Value, test: Select["where"][number]["test"], right: Value): boolean {
  const order = compare(left, right);
  if (test === "is" || test === "is not") return (left === right) === (test === "is");
  if (order === undefined) return false;
  return { "=": order === 0, "<>": order !== 0, "<": order < 0, ">": order > 0 }[test];
}

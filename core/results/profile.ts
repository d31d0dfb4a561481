import type { StoredResult } from "../contract/results.ts";
import type { Column, RowStream, Value } from "../contract/rows.ts";
import { type Asked, askedOf, binCount, detailsSql, distinctSql, edgesSql, type Range } from "./profile-sql.ts";

/** How many rows a bar stands for, and the ends of what it covers on its axis. */
export interface Bin extends Range {
  readonly rows: number;
}

/** What a column of a stored result holds. */
export interface ColumnProfile {
  readonly column: Column;
  readonly nulls: number;
  readonly distinct: number;
  /** True where `distinct` is an estimate. */
  readonly about: boolean;
  readonly min?: Value;
  readonly max?: Value;
  /** A quarter, half and three quarters of the values are no larger. */
  readonly quantiles?: readonly Value[];
  /** Of texts in characters, of bytes in bytes. */
  readonly lengths?: { readonly min: number; readonly max: number };
  /** The most frequent of the values that repeat. */
  readonly top: readonly { readonly value: Value; readonly rows: number }[];
  readonly axis?: "number" | "time";
  /** Over equal steps from the smallest to the largest; absent where there is nothing between. */
  readonly bins?: readonly Bin[];
}

export interface Profile {
  readonly name: string;
  readonly rows: number;
  /** Rows that quantiles, `top` and bins were estimated from; absent where from all of them. */
  readonly drawn?: number;
  readonly columns: readonly ColumnProfile[];
}

/** Runs one statement over the result. */
export type Ask = (sql: string) => Promise<AsyncDisposable & { rows(): Promise<RowStream> }>;

/** Columns that are looked at together: each statement names every one of them several times. */
const together = 40;

/** Reads a stored result two or three times, whatever its size, and tells what each column holds. */
export async function profile({ name, columns: sources }: StoredResult, ask: Ask): Promise<Profile> {
  const stored = (await answer(ask, `SELECT * FROM ${name} LIMIT 0`)).columns;
  const columns: ColumnProfile[] = [];
  let facts = { rows: 0, drawn: 0 };
  for (let at = 0; at < sources.length; at += together) {
    const part = sources.slice(at, at + together);
    const asked = part.map(({ type }, index) => askedOf(stored[at + index] as Column, type));
    const found = await profileOf(name, asked, ask);
    facts = found;
    columns.push(...found.columns.map((each, index) => ({ column: part[index] as Column, ...each })));
  }
  return { name, rows: facts.rows, ...(facts.drawn < facts.rows && { drawn: facts.drawn }), columns };
}

type Found = Omit<ColumnProfile, "column">;

async function profileOf(table: string, asked: readonly Asked[], ask: Ask) {
  const edges = await answer(ask, edgesSql(table, asked));
  const rows = Number(edges.values[0]);
  const [edge, ranges] = [asked.map((_, index) => edgesOf(edges.values, index)), asked.map((_, index) => rangeOf(edges.values, index))];
  const details = await answer(ask, detailsSql(table, asked, ranges, rows));
  const drawn = Number(details.values[0]);
  const seen = asked.map((_, index) => Number(details.values[1 + index * 4]));
  const counted = drawn === rows ? undefined : (await answer(ask, distinctSql(table, asked, seen))).values;
  const scaled = (count: unknown) => Math.round(Number(count) * (drawn === 0 ? 1 : rows / drawn));
  const columns = asked.map(({ axis }, index): Found => {
    const [, top, quantiles, bins] = details.values.slice(1 + index * 4);
    const every = Number(counted?.[index * 2] ?? 1);
    const { values, ...ends } = edge[index] as ReturnType<typeof edgesOf>;
    const range = ranges[index];
    return {
      nulls: rows - values,
      distinct: counted === undefined ? (seen[index] ?? 0) : Math.min(values, every * Number(counted[index * 2 + 1])),
      about: every > 1,
      ...ends,
      ...(Array.isArray(quantiles) && { quantiles: quantiles as Value[] }),
      top: listed<{ v: Value; n: Value }>(top).map(({ v, n }) => ({ value: v, rows: scaled(n) })),
      ...(axis && { axis }),
      ...(range && { bins: binsOf(range, listed<{ b: Value; n: Value }>(bins), scaled) }),
    };
  });
  return { rows, drawn, columns };
}

/** Where a column's edges stand in the row that tells them. */
const edgesEach = 7;

function edgesOf(row: readonly Value[], index: number) {
  const [values, min, max, , , shortest, longest] = row.slice(1 + index * edgesEach);
  return {
    values: Number(values),
    ...(min !== null && min !== undefined && { min }),
    ...(max !== null && max !== undefined && { max }),
    ...(shortest !== null && longest !== null && { lengths: { min: Number(shortest), max: Number(longest) } }),
  };
}

function rangeOf(row: readonly Value[], index: number): Range | undefined {
  const [low, high] = row.slice(4 + index * edgesEach);
  if (typeof low !== "number" || typeof high !== "number" || !(high / 2 - low / 2 > 0)) return undefined;
  return { low, high };
}

function binsOf({ low, high }: Range, found: readonly { b: Value; n: Value }[], scaled: (count: unknown) => number): readonly Bin[] {
  const counts = new Map(found.map(({ b, n }) => [Number(b), n]));
  const end = (at: number) => low * (1 - at / binCount) + high * (at / binCount);
  return Array.from({ length: binCount }, (_, at) => ({ low: end(at), high: end(at + 1), rows: scaled(counts.get(at) ?? 0) }));
}

function listed<Item>(value: Value | undefined): readonly Item[] {
  return (value ?? []) as unknown as readonly Item[];
}

async function answer(ask: Ask, sql: string): Promise<{ readonly columns: readonly Column[]; readonly values: readonly Value[] }> {
  await using asked = await ask(sql);
  await using rows = await asked.rows();
  let values: Value[] = [];
  for await (const { columns, length } of rows) if (length > 0) values = columns.map((column) => column[0] ?? null);
  return { columns: rows.columns, values };
}

import type { Column, LogicalType } from "../contract/rows.ts";
import { quotedName } from "../export/table-name.ts";

/** A column of a stored table, and what can be asked of it. */
export interface Asked {
  /** Between quotes. */
  readonly name: string;
  /** What a bar chart of it runs along. */
  readonly axis: "number" | "time" | undefined;
  /** Its values have an order worth telling. */
  readonly ordered: boolean;
  readonly isText: boolean;
  readonly isBytes: boolean;
  /** SQL for its place on the axis; NULL for what has none, such as NaN. */
  readonly place: string;
  /** SQL for the first and the last place. */
  readonly ends: readonly string[];
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Rows that are looked at closely; of more, so many are drawn. */
export const mostRows = 200_000;
export const binCount = 8;
const topCount = 5;
/** Longer texts seldom repeat, and many of them would not fit into memory. */
const longestTop = 200;
const longestShown = 64;

const numbers: ReadonlySet<LogicalType> = new Set(["int", "bigint", "float", "decimal"]);
const moments: ReadonlySet<LogicalType> = new Set(["date", "time", "timestamp", "timestamptz"]);

/** What can be asked of a column: `stored` is how DuckDB keeps it, `source` what it was. */
export function askedOf(stored: Column, source: LogicalType): Asked {
  const name = quotedName(stored.name);
  const isNumber = numbers.has(stored.type);
  const isMoment = moments.has(stored.type);
  const place = placeOf(name, stored.type);
  return {
    name,
    axis: isNumber ? "number" : isMoment ? "time" : undefined,
    // A number that had to be kept as text would be in the order of its digits.
    ordered: isNumber || isMoment || (stored.type === "text" && (source === "text" || source === "unknown")),
    isText: stored.type === "text" && (source === "text" || source === "unknown"),
    isBytes: stored.type === "bytes",
    place,
    // Where no value is without a place, the smallest number has the first one.
    ends: ["min", "max"].map((end) => (isNumber && stored.type !== "float" ? `${end}(${name})::DOUBLE` : `${end}(${place})`)),
  };
}

function placeOf(name: string, type: LogicalType): string {
  if (type === "float") return `CASE WHEN isfinite(${name}) THEN ${name}::DOUBLE END`;
  if (type === "time") return `epoch(${name})`;
  // A date may lie beyond what a timestamp holds.
  if (type === "date") return `CASE WHEN isfinite(${name}) THEN (${name} - DATE '1970-01-01') * 86400.0::DOUBLE END`;
  return moments.has(type) ? `CASE WHEN isfinite(${name}) THEN epoch(${name}) END` : `${name}::DOUBLE`;
}

/** One row over all rows: how many, then for each column its values, smallest, largest, ends of the axis, shortest and longest. */
export function edgesSql(table: string, columns: readonly Asked[]): string {
  const asked = columns.flatMap(({ name, ordered, isText, isBytes, axis, ends: places }) => {
    const ends = isText ? [`left(min(${name}), ${longestShown})`, `left(max(${name}), ${longestShown})`] : [`min(${name})`, `max(${name})`];
    const length = isBytes ? `octet_length(${name})` : isText ? `length(${name})` : undefined;
    return [
      `count(${name})`,
      ...(ordered ? ends : ["NULL", "NULL"]),
      ...(axis ? places : ["NULL", "NULL"]),
      ...(length ? [`min(${length})`, `max(${length})`] : ["NULL", "NULL"]),
    ];
  });
  return `SELECT count(*), ${asked.join(", ")} FROM ${table}`;
}

/** One row over the rows that are looked at: how many, then for each column its distinct values, those that repeat, quantiles and bins. */
export function detailsSql(table: string, columns: readonly Asked[], ranges: readonly (Range | undefined)[], rows: number): string {
  const drawn = rows > mostRows ? ` USING SAMPLE ${((100 * mostRows) / rows).toFixed(6)} PERCENT (bernoulli, 1)` : "";
  const taken = columns.flatMap((column, index) => [
    `${hashOf(column)} AS h${index}`,
    `${plainOf(column)} AS v${index}`,
    `${column.axis ? column.place : "NULL"} AS p${index}`,
  ]);
  const details = columns.flatMap(({ axis, isBytes }, index) => [
    `(SELECT count(DISTINCT h${index}) FROM s)`,
    isBytes ? "NULL" : topSql(`v${index}`),
    axis ? `(SELECT quantile_disc(v${index}, [0.25, 0.5, 0.75]) FROM s)` : "NULL",
    binsSql(`p${index}`, ranges[index]),
  ]);
  return `WITH s AS MATERIALIZED (SELECT ${taken.join(", ")} FROM ${table}${drawn}) SELECT (SELECT count(*) FROM s), ${details.join(", ")}`;
}

/**
 * One row: for each column, of how many hashes one was looked at, and how many different ones there were. What the drawn
 * rows hold says how many to leave out, so that few thousand remain at least: an estimate good to about two in a hundred.
 */
export function distinctSql(table: string, columns: readonly Asked[], drawn: readonly number[]): string {
  const counts = columns.flatMap((column, index) => {
    const every = 2 ** Math.max(0, Math.floor(Math.log2((drawn[index] ?? 0) / 3000)));
    const hash = hashOf(column);
    return [String(every), `count(DISTINCT ${every === 1 ? hash : `CASE WHEN hash(${column.name}) % ${every} = 0 THEN ${hash} END`})`];
  });
  return `SELECT ${counts.join(", ")} FROM ${table}`;
}

function hashOf({ name }: Asked): string {
  return `CASE WHEN ${name} IS NOT NULL THEN hash(${name}) END`;
}

function plainOf({ name, axis, isBytes }: Asked): string {
  if (isBytes) return "NULL";
  return axis ? name : `CASE WHEN length(${name}::VARCHAR) <= ${longestTop} THEN ${name}::VARCHAR END`;
}

function topSql(value: string): string {
  const counted = `SELECT ${value} AS v, count(*) AS n FROM s WHERE ${value} IS NOT NULL GROUP BY 1 HAVING n > 1 ORDER BY n DESC, v LIMIT ${topCount}`;
  return `(SELECT list({'v': v, 'n': n} ORDER BY n DESC, v) FROM (${counted}))`;
}

/** Halves, because the difference of two doubles may be more than one holds. */
function binsSql(place: string, range: Range | undefined): string {
  if (range === undefined) return "NULL";
  const [low, high] = [range.low / 2, range.high / 2].map((end) => `'${end}'::DOUBLE`);
  const bin = `least(floor((${place} / 2 - ${low}) / (${high} - ${low}) * ${binCount}), ${binCount - 1})::INTEGER`;
  return `(SELECT list({'b': b, 'n': n}) FROM (SELECT ${bin} AS b, count(*) AS n FROM s WHERE ${place} IS NOT NULL GROUP BY 1))`;
}

import type { Column, LogicalType } from "../contract/rows.ts";
import type { Kind } from "./staging.ts";

/** Reads a staged text as what all its column's values are. */
export function plain(kind: Kind, name: string): string {
  if (kind === "BLOB") return `from_base64(${name})`;
  return kind === "VARCHAR" ? name : `${name}::${kind === "SAFE" ? "BIGINT" : kind}`;
}

/** How a column is read whose values all are what it declares; a value that is not so is an error. */
export interface DeclaredTarget {
  /** What the reader of CSV makes of it. */
  readonly read: string;
  /** SQL for the typed value. */
  readonly value: string;
}

/** A type a staged column may take, if every value survives it. */
export interface Target {
  readonly type: string;
  /** SQL for the typed value. */
  readonly value: string;
  /** SQL that is true, or NULL for NULL, when the typed value means what the staged one does. */
  readonly survives: string;
}

const date = "\\d{4,7}-\\d\\d-\\d\\d( \\(BC\\))?";
const time = "\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?";
const zone = " ?(Z|[+-]\\d\\d(:?\\d\\d(:\\d\\d)?)?)";
const infinite = "|-?infinity";

/** The texts each type stands for exactly. A cast alone is too kind: it rounds, drops " BC", and shifts a zone it was not asked about. */
const texts: Readonly<Partial<Record<LogicalType, { readonly type: string; readonly pattern: string }>>> = {
  date: { type: "DATE", pattern: date + infinite },
  time: { type: "TIME", pattern: time },
  timestamp: { type: "TIMESTAMP", pattern: `${date}[ T]${time}${infinite}` },
  timestamptz: { type: "TIMESTAMPTZ", pattern: `${date}[ T]${time}${zone}${infinite}` },
  uuid: { type: "UUID", pattern: "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" },
  json: { type: "JSON", pattern: "(?s).*" },
  list: { type: "JSON", pattern: "(?s).*" },
};

/**
 * The types a staged column may take, best first; none leaves it `plain`. Intervals stay text, because
 * Parquet's have milliseconds only. 128-bit integers become DECIMAL(38,0), because DuckDB writes them as doubles.
 */
export function targetsOf(column: Column, kind: Kind, name: string): Target[] {
  if (column.type === "int" || column.type === "bigint") return integerTargets(column, kind, name);
  if (kind !== "VARCHAR") return [];
  if (column.type === "decimal") return decimalTargets(column.nativeType, name);
  const text = texts[column.type];
  if (!text) return [];
  const written = text.type === "DATE" || text.type.startsWith("TIMESTAMP") ? beforeChrist(name) : name;
  return [textTarget(written, text.type, text.pattern)];
}

/** The best of the types that `targetsOf` gives a column, without a look at its values; an engine's own texts need no pattern. */
export function declaredTarget(column: Column, name: string): DeclaredTarget {
  const { type, nativeType } = column;
  const [best] = targetsOf(column, type === "int" || type === "bigint" ? "BIGINT" : "VARCHAR", name);
  if (type === "int" || type === "bigint") return { read: best?.type ?? "BIGINT", value: name };
  if (type === "boolean") return { read: "BOOLEAN", value: name };
  if (type === "float") return { read: "DOUBLE", value: name };
  if (type === "bytes") return { read: "VARCHAR", value: plain("BLOB", name) };
  // A zone would be dropped without a word.
  if (best === undefined || (type === "time" && /with time zone/i.test(nativeType))) return { read: "VARCHAR", value: name };
  return type === "decimal" || type === "uuid" ? { read: best.type, value: name } : { read: "VARCHAR", value: best.value };
}

/** What a text stands for in a column that was thought to hold nothing else. */
const written: Readonly<Partial<Record<Kind, string>>> = {
  BOOLEAN: "t|f|true|false",
  SAFE: "-?[1-9]\\d*|0",
  BIGINT: "-?[1-9]\\d*|0",
  DOUBLE: "-?(\\d+(\\.\\d+)?(e[+-]?\\d+)?|Infinity)|NaN",
};

/** The types a column may take whose values are known as texts only; none leaves it text, or bytes. */
export function targetsOfText(column: Column, kind: Kind, name: string): Target[] {
  const pattern = written[kind];
  const own = pattern === undefined ? [] : [textTarget(name, kind === "SAFE" ? "BIGINT" : kind, pattern)];
  const [best] = kind === "BLOB" ? [] : targetsOf(column, kind, name);
  return [...(best ? [best] : []), ...own, ...(own.length > 0 ? targetsOf(column, "VARCHAR", name) : [])];
}

/** PostgreSQL puts BC last, DuckDB after the date. */
function beforeChrist(name: string): string {
  return `CASE WHEN suffix(${name}, ' BC') THEN regexp_replace(${name}, '^(\\S+)(.*) BC$', '\\1 (BC)\\2') ELSE ${name} END`;
}

function integerTargets({ nativeType }: Column, kind: Kind, name: string): Target[] {
  if (kind !== "SAFE" && kind !== "BIGINT" && kind !== "VARCHAR") return [];
  const native = nativeType.toUpperCase();
  const types: string[] = [];
  if (/^(TINYINT|SMALLINT|MEDIUMINT|INT[24]|INT(16|32))$/.test(native)) types.push("INTEGER");
  if (/HUGEINT|INT128/.test(native)) types.push("DECIMAL(38,0)");
  else if (/BIGINT UNSIGNED|UBIGINT|UINT64/.test(native)) types.push("UBIGINT");
  if (kind === "VARCHAR") types.push("UBIGINT", "DECIMAL(38,0)");
  return types.map((type) => textTarget(name, type, "-?[1-9]\\d*|0"));
}

function decimalTargets(nativeType: string, name: string): Target[] {
  const [, precision, scale = "0"] = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(nativeType) ?? [];
  const whole = Number(precision) - Number(scale);
  if (precision === undefined || Number(precision) > 38 || whole < 0) return [];
  const fraction = scale === "0" ? "" : `(\\.\\d{1,${scale}})?`;
  return [textTarget(name, `DECIMAL(${precision},${scale})`, `-?\\d{${whole === 0 ? "0,1" : `1,${whole}`}}${fraction}`)];
}

function textTarget(name: string, type: string, pattern: string): Target {
  return { type, value: `${name}::${type}`, survives: `regexp_full_match(${name}, '${pattern}') AND ${cast(name, type)}` };
}

function cast(name: string, type: string): string {
  return `(${name} IS NULL OR TRY_CAST(${name} AS ${type}) IS NOT NULL)`;
}

import type { Column } from "../contract/rows.ts";

/** The type of a column in a script. */
export interface SqlType {
  /** As PostgreSQL, MySQL, SQLite and DuckDB all read it. */
  readonly type: string;
  /** MySQL's own, where what all of them read is too small there. */
  readonly mysql?: string;
  /** True when values are written as text, whatever they are. */
  readonly isText?: boolean;
}

const text: SqlType = { type: "text", mysql: "longtext", isText: true };

/** A type that every engine has; text where they have none in common. */
export function portableType(column: Column): SqlType {
  switch (column.type) {
    case "boolean":
      return { type: "boolean" };
    case "int":
      return { type: "bigint" };
    case "bigint":
      return { type: wholeType(column) ?? "bigint" };
    case "float":
      return { type: "double precision" };
    case "decimal": {
      const type = decimalType(column, "decimal");
      return type === undefined ? text : { type };
    }
    case "bytes":
      return { type: "blob", mysql: "longblob" };
    case "date":
      return { type: "date" };
    case "time":
      return hasZone(column) ? text : { type: "time", mysql: "time(6)" };
    case "timestamp":
      // Older MySQL makes a timestamp without NULL one that has none.
      return { type: "timestamp NULL", mysql: "datetime(6)" };
    default:
      return text;
  }
}

/** PostgreSQL's own type. */
export function postgresType(column: Column): string {
  switch (column.type) {
    case "bigint":
      return wholeType(column)?.replace("decimal", "numeric") ?? "bigint";
    case "decimal":
      return decimalType(column, "numeric") ?? "numeric";
    case "time":
      return hasZone(column) ? "time with time zone" : "time";
    default:
      return postgresTypes[column.type] ?? "text";
  }
}

const postgresTypes: Readonly<Record<string, string>> = {
  boolean: "boolean",
  int: "bigint",
  float: "double precision",
  bytes: "bytea",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamp with time zone",
  interval: "interval",
  uuid: "uuid",
  json: "json",
};

function wholeType({ nativeType }: Column): string | undefined {
  if (/HUGEINT|INT128/i.test(nativeType)) return "decimal(38,0)";
  return /BIGINT UNSIGNED|UBIGINT|UINT64/i.test(nativeType) ? "decimal(20,0)" : undefined;
}

/** Precision and scale where they are declared, and no engine has less. */
function decimalType({ nativeType }: Column, word: string): string | undefined {
  const [, precision, scale = "0"] = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(nativeType) ?? [];
  if (precision === undefined || Number(precision) > 38 || Number(scale) > Math.min(30, Number(precision))) return undefined;
  return `${word}(${precision},${scale})`;
}

function hasZone({ nativeType }: Column): boolean {
  return /with time zone|timetz/i.test(nativeType);
}

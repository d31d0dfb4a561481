import type { StatementSync } from "node:sqlite";
import type { Column, LogicalType } from "../../core/contract/rows.ts";

/** What people mean by a declared type. SQLite itself keeps only an affinity, and any value. */
const named: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: "boolean",
  BOOL: "boolean",
  DATE: "date",
  TIME: "time",
  DATETIME: "timestamp",
  TIMESTAMP: "timestamp",
  "TIMESTAMP WITHOUT TIME ZONE": "timestamp",
  TIMESTAMPTZ: "timestamptz",
  "TIMESTAMP WITH TIME ZONE": "timestamptz",
  INTERVAL: "interval",
  DECIMAL: "decimal",
  NUMERIC: "decimal",
  JSON: "json",
  JSONB: "json",
  UUID: "uuid",
  GUID: "uuid",
};

/** SQLite's affinity rules, in its order: https://sqlite.org/datatype3.html#determination_of_column_affinity */
const affinities: readonly (readonly [RegExp, LogicalType])[] = [
  [/INT/, "bigint"],
  [/CHAR|CLOB|TEXT/, "text"],
  [/BLOB/, "bytes"],
  [/REAL|FLOA|DOUB/, "float"],
];

export function logicalType(declared: string): LogicalType {
  const type = declared.toUpperCase();
  const words = type
    .replace(/\([^)]*\)/g, " ")
    .trim()
    .replace(/\s+/g, " ");
  return named[words] ?? affinities.find(([pattern]) => pattern.test(type))?.[1] ?? "unknown";
}

export function columnsOf(statement: StatementSync): Column[] {
  return statement.columns().map(({ name, type, database, table, column }) => ({
    name: name ?? "",
    type: logicalType(type ?? ""),
    nativeType: type ?? "",
    ...(table !== null && column !== null && { origin: { ...(database !== null && { schema: database }), table, column } }),
  }));
}

import type { LogicalType } from "../../../core/contract/rows.ts";

/** What people mean by a declared type. The engine itself keeps only an affinity, and any value. */
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

/** Vectors are kept as bytes: `F32_BLOB(3)`, `FLOAT32(3)`. https://docs.turso.tech/features/ai-and-embeddings */
const vector = /^(?:F8|F16|FB16|F32|F64|F1BIT)_BLOB\b|^FLOAT(?:1BIT|8|16|B16|32|64)\b/;

/** SQLite's affinity rules, in its order: https://sqlite.org/datatype3.html#determination_of_column_affinity */
const affinities: readonly (readonly [RegExp, LogicalType])[] = [
  [vector, "bytes"],
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

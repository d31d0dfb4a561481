import {
  type DuckDBArrayType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBUnionType,
} from "@duckdb/node-api";
import type { LogicalType } from "../../../core/contract/rows.ts";

const logical: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: "boolean",
  TINYINT: "int",
  SMALLINT: "int",
  INTEGER: "int",
  UTINYINT: "int",
  USMALLINT: "int",
  UINTEGER: "int",
  BIGINT: "bigint",
  UBIGINT: "bigint",
  HUGEINT: "bigint",
  UHUGEINT: "bigint",
  BIGNUM: "bigint",
  FLOAT: "float",
  DOUBLE: "float",
  DECIMAL: "decimal",
  VARCHAR: "text",
  ENUM: "text",
  BIT: "text",
  BLOB: "bytes",
  GEOMETRY: "bytes",
  DATE: "date",
  TIME: "time",
  TIME_NS: "time",
  "TIME WITH TIME ZONE": "time",
  TIMESTAMP: "timestamp",
  TIMESTAMP_S: "timestamp",
  TIMESTAMP_MS: "timestamp",
  TIMESTAMP_NS: "timestamp",
  "TIMESTAMP WITH TIME ZONE": "timestamptz",
  INTERVAL: "interval",
  UUID: "uuid",
  JSON: "json",
  STRUCT: "json",
  MAP: "json",
  UNION: "json",
  VARIANT: "json",
};

/** What a column of this native type means. */
export function logicalType(native: string): LogicalType {
  if (native.endsWith("]")) return "list";
  return logical[native.replace(/\(.*$/s, "")] ?? "unknown";
}

/** The type as DuckDB's catalog writes it; the bindings quote every field name and forget that nested JSON is JSON. */
export function nativeType(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
      return `${nativeType((type as DuckDBListType).valueType)}[]`;
    case DuckDBTypeId.ARRAY:
      return `${nativeType((type as DuckDBArrayType).valueType)}[${(type as DuckDBArrayType).length}]`;
    case DuckDBTypeId.MAP:
      return `MAP(${nativeType((type as DuckDBMapType).keyType)}, ${nativeType((type as DuckDBMapType).valueType)})`;
    case DuckDBTypeId.STRUCT:
      return `STRUCT(${fields((type as DuckDBStructType).entryNames, (type as DuckDBStructType).entryTypes)})`;
    case DuckDBTypeId.UNION:
      return `UNION(${fields((type as DuckDBUnionType).memberTags, (type as DuckDBUnionType).memberTypes)})`;
    default:
      return type.alias ?? String(type);
  }
}

function fields(names: readonly string[], types: readonly DuckDBType[]): string {
  return types.map((type, index) => `${plain(names[index] ?? "")} ${nativeType(type)}`).join(", ");
}

function plain(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A type the catalog reports, quoted as `nativeType` does: the engine also quotes fields that are keywords. */
export function catalogType(native: string): string {
  return native.replace(/'(?:[^']|'')*'|"([A-Za-z_]\w*)"/g, (whole, name: string | undefined) => name ?? whole);
}

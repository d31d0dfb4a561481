import type { DuckDBConnection } from "@duckdb/node-api";
import type { CatalogColumn } from "../../../core/contract/catalog.ts";
import type { LogicalType } from "../../../core/contract/rows.ts";
import { quoted } from "../sql/quote.ts";
import type { Table } from "./tables.ts";

/** Good enough for names to be looked up; what a part holds in truth is known when it is there. */
const types: Readonly<Record<LogicalType, string>> = {
  boolean: "BOOLEAN",
  int: "BIGINT",
  bigint: "BIGINT",
  float: "DOUBLE",
  decimal: "DECIMAL(38,9)",
  text: "VARCHAR",
  bytes: "BLOB",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMPTZ",
  interval: "VARCHAR",
  uuid: "UUID",
  json: "JSON",
  list: "JSON",
  unknown: "VARCHAR",
};

/** What the engine says against a statement over tables that are empty; nothing when it would run it. */
export async function bindingError(native: DuckDBConnection, tables: Iterable<Table>, sql: string): Promise<unknown> {
  for (const { place, columns } of new Set(tables)) {
    const [schema, name] = place.map(quoted);
    await native.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await native.run(`CREATE VIEW ${schema}.${name} AS SELECT ${distinct(columns).map(empty).join(", ") || "NULL AS nothing"} WHERE false`);
  }
  try {
    (await native.prepare(sql)).destroySync();
    return undefined;
  } catch (error) {
    return error;
  }
}

const empty = ({ name, type }: CatalogColumn): string => `NULL::${types[type]} AS ${quoted(name)}`;

/** The engine tells names apart without regard to case. */
const distinct = (columns: readonly CatalogColumn[]): CatalogColumn[] => [
  ...new Map(columns.map((column) => [column.name.toLowerCase(), column])).values(),
];

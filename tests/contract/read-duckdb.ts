import { DuckDBInstance } from "@duckdb/node-api";
import type { Found } from "./exporter.ts";

/** What a DuckDB of its own answers, after some preparing SQL. */
export async function ask(sql: string, before = ""): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'; ${before}`);
    return (await connection.runAndReadAll(sql)).getRows();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The names and types of a table's columns. */
export async function typesOf(table: string, before = ""): Promise<string[][]> {
  return (await ask(`SELECT column_name, column_type FROM (DESCRIBE FROM ${table})`, before)) as string[][];
}

/** Every value of a table as DuckDB writes it; floats as JavaScript does. */
export async function readTable(table: string, before = ""): Promise<Found> {
  const types = await typesOf(table, before);
  const text = types.map(([name = "", type]) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    return type === "DOUBLE" ? quoted : type === "BLOB" ? `base64(${quoted})` : `${quoted}::VARCHAR`;
  });
  const rows = await ask(`SELECT ${text.join(", ")} FROM ${table}`, before);
  const asText = (value: unknown) => (value === null ? null : Object.is(value, -0) ? "-0" : String(value));
  return { names: types.map(([name = ""]) => name), rows: rows.map((row) => row.map(asText)) };
}

import { totalmem } from "node:os";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Connection, StoredTable } from "../../core/contract/driver.ts";
import { createConnection } from "./connection.ts";
import { createDatabase } from "./engine/database.ts";
import { applySettings, start } from "./engine/instance.ts";
import { quoted, text } from "./sql/quote.ts";

/** What sorts and joins may put aside on the disk: by itself DuckDB would take nearly all that is free. */
const mostSpilled = "16GiB";

/** Opens a connection on stored results: views of them in an engine of their own, from which nothing else can be reached. */
export async function openCage(tables: readonly StoredTable[], signal: AbortSignal): Promise<Connection> {
  const database = createDatabase({
    start: (writable) => start({ path: ":memory:", access: "READ_WRITE", writable, prepare: (connection) => shut(connection, tables) }),
    lockable: false,
    gone: () => undefined,
  });
  return createConnection(await database.join(true, signal), true);
}

/** What is attached before access is shut off stays readable; nothing can be attached after. */
async function shut(connection: DuckDBConnection, tables: readonly StoredTable[]): Promise<[]> {
  await applySettings(connection, { memory_limit: `${Math.floor(Math.min(4096, totalmem() / 2 ** 20 / 6))}MiB` });
  const schemas = new Set<string>();
  for (const [index, { name, path }] of tables.entries()) {
    const [schema, table] = typeof name === "string" ? ["main", name] : name;
    if (!schemas.has(schema)) await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
    schemas.add(schema);
    await connection.run(`ATTACH ${text(path)} AS stored_${index} (READ_ONLY)`);
    await connection.run(`CREATE VIEW ${quoted(schema)}.${quoted(table)} AS FROM stored_${index}.main.rows`);
  }
  await connection.run(`
    SET GLOBAL TimeZone = 'UTC';
    SET max_temp_directory_size = '${mostSpilled}';
    SET secret_directory = '';
    SET enable_external_access = false;
    SET lock_configuration = true;
  `);
  return [];
}

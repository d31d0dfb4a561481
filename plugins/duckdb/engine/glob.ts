import { realpathSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { unbraced, withoutSidecars } from "./files.ts";

/** The files a pattern matches, free of links, each once and in order. */
export async function matches(connection: DuckDBConnection, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for (const part of unbraced(pattern)) {
    const reader = await connection.runAndReadAll("SELECT file FROM glob($1) ORDER BY file", [part]);
    for (const [file] of reader.getRows()) found.add(realpathSync(String(file)));
  }
  return withoutSidecars([...found]);
}

/** The same without an engine at hand. */
export async function matchesOf(pattern: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return await matches(connection, pattern);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

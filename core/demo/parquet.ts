import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DemoTable, toCsv } from "./table.ts";

/** Writes each table to `<name>.parquet` in `folder`. DuckDB is loaded here and nowhere else in the demo. */
export async function writeParquet(folder: string, tables: readonly DemoTable[]): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", { temp_directory: folder, autoinstall_known_extensions: "false" });
  const connection = await instance.connect();
  try {
    for (const table of tables) {
      const staged = join(folder, `${table.name}.staged.csv`);
      await writeFile(staged, toCsv(table));
      const columns = Object.entries(table.columns).map(([name, type]) => `${literal(name)}: ${literal(type)}`);
      const source = `read_csv(${literal(staged)}, header = true, columns = {${columns.join(", ")}})`;
      await connection.run(`COPY (FROM ${source}) TO ${literal(join(folder, `${table.name}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`);
      await rm(staged);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Bench } from "./bulk.ts";
import { type Figure, runProcess } from "./measure.ts";

/** Every format that is written to files, and what DuckDB itself would be asked for where it writes the same. */
const formats: readonly (readonly [format: string, duckdb?: string])[] = [
  ["csv", "FORMAT csv, HEADER"],
  ["tsv"],
  ["json"],
  ["ndjson", "FORMAT json"],
  ["markdown"],
  ["html"],
  ["sql"],
  ["copy"],
  ["parquet", "FORMAT parquet, COMPRESSION zstd"],
  ["arrow"],
  ["arrows"],
  ["xlsx"],
  ["sqlite"],
  ["duckdb"],
];

const names = "id, customer, amount, name, note, placed, price, even";

/** The same rows for us, in SQLite, which takes next to no memory itself, and for DuckDB. */
const sqliteTable = (rows: number) => `
  create table t (id integer primary key, customer integer, amount real, name text, note text, placed timestamp, price real, even boolean);
  insert into t with recursive c(i) as (select 1 union all select i + 1 from c where i < ${rows}) select i, i % 5000, i * 1.25, 'customer name ' || i,
    case i % 7 when 0 then null when 1 then '' else 'a note, number ' || i end, datetime(1704067200 + i, 'unixepoch'), i / 100.0, i % 2 = 0 from c`;
const duckdbTable = (rows: number) => `
  CREATE TABLE t AS SELECT i AS id, (i % 5000)::INTEGER AS customer, i * 1.25::DOUBLE AS amount, 'customer name ' || i AS name,
    CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'a note, number ' || i END AS note, TIMESTAMP '2024-01-01' + to_seconds(i) AS placed,
    i / 100.0::DOUBLE AS price, i % 2 = 0 AS even FROM range(${rows}) r(i)`;

/** Rows per second and peak memory of each format, from a table of eight columns, as its rows. */
export async function formatFigures({ binary, folder, env, rows }: Bench, only?: string): Promise<Figure[]> {
  const [shop, lake] = [join(folder, "formats.db"), join(folder, "formats.duckdb")];
  const database = new DatabaseSync(shop);
  database.exec(sqliteTable(rows));
  database.close();
  await withDuckdb(lake, duckdbTable(rows));
  const figures: Figure[] = [];
  for (const [format, duckdb] of formats.filter(([name]) => only === undefined || name === only)) {
    const path = join(folder, `out.${format}`);
    const command = [binary, "export", shop, `select ${names} from t`, "--to", path, "--format", format, "--quiet", "--no-meta"];
    const { seconds, peakMiB } = await runProcess(command, env);
    const size = statSync(path).size / 2 ** 20;
    rmSync(path);
    figures.push({
      what: `${format}, ${rows} rows of 8 columns, whole process`,
      measured: `${Math.round(rows / seconds / 1000)} k rows/s, ${peakMiB.toFixed(0)} MiB resident, a file of ${size.toFixed(0)} MiB`,
      goal: "",
      ...(duckdb !== undefined && { baseline: `DuckDB COPY ${Math.round(rows / (await ownSeconds(lake, path, duckdb)) / 1000)} k rows/s` }),
    });
  }
  for (const path of [shop, lake]) rmSync(path);
  return figures;
}

async function ownSeconds(lake: string, path: string, how: string): Promise<number> {
  const started = performance.now();
  await withDuckdb(lake, `COPY t TO '${path}' (${how})`);
  const seconds = (performance.now() - started) / 1000;
  if (existsSync(path)) rmSync(path);
  return seconds;
}

async function withDuckdb(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    await connection.run(sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

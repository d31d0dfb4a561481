import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import activateDuckdb from "../../plugins/duckdb/plugin.ts";
import activateSqlite from "../../plugins/sqlite/plugin.ts";
import { tempFolder } from "../support/binary.ts";
import { describeDryRun } from "../support/dry-run-suite.ts";

const host = { contract: 1, log: () => undefined } as const;
const [sqlite = assert.fail("no driver")] = (await activateSqlite(host)).drivers ?? [];
const [duckdb = assert.fail("no driver")] = (await activateDuckdb(host)).drivers ?? [];
const folder = tempFolder();
const [file, lake] = [join(folder, "shop.db"), join(folder, "shop.duckdb")];

describeDryRun({
  driver: sqlite,
  target: () => file,
  placeholder: () => "?",
  decimals: false,
  async make(statements) {
    const database = new DatabaseSync(file);
    for (const sql of statements) database.exec(sql);
    database.close();
  },
});

describeDryRun({
  driver: duckdb,
  target: () => lake,
  placeholder: (nr) => `$${nr}`,
  decimals: true,
  async make(statements) {
    const database = await DuckDBInstance.create(lake);
    const connection = await database.connect();
    for (const sql of statements) await connection.run(sql);
    connection.closeSync();
    database.closeSync();
  },
});

import { rmSync } from "node:fs";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import { sqliteEngine } from "./sqlite-shop.ts";

rmSync("/tmp/ev.db", { force: true });
await sqliteEngine.fill("/tmp/ev.db", "first");
const c = await createSqliteDriver({ log: () => undefined }).connect(
  { scheme: "sqlite", location: "/tmp/ev.db", options: {} },
  { readOnly: true, signal: new AbortController().signal },
);
for (const sql of process.argv.slice(2)) console.log(sql, JSON.stringify(await c.analyze(sql).catch((e) => String(e)), null, 1));

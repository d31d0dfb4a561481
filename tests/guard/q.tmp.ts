import { rmSync } from "node:fs";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { duckdbEngine } from "./duckdb-shop.ts";

rmSync("/tmp/ev.duckdb", { force: true });
await duckdbEngine.fill("/tmp/ev.duckdb", "gone");
const d = createDuckdbDriver();
const c = await d.connect(
  { scheme: "duckdb", location: "/tmp/ev.duckdb", options: {} },
  { readOnly: true, signal: new AbortController().signal },
);
for (const sql of process.argv.slice(2))
  await c.analyze(sql).then(
    (x) => console.log(sql, JSON.stringify(x, null, 1)),
    (e) => console.log(sql, e.message, d.diagnose(e)),
  );

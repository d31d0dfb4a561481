import { openWorld, policy } from "./harness.ts";

const name = process.argv[2]!;
const m =
  name === "duckdb"
    ? await import("./duckdb-shop.ts").then((x) => ({ engine: x.duckdbEngine, rules: x.duckdbRules }))
    : await import("./sqlite-shop.ts").then((x) => ({ engine: x.sqliteEngine, rules: x.sqliteRules }));
const w = await openWorld(m.engine, policy(m.rules));
for (const sql of process.argv.slice(3))
  console.log(
    sql,
    "\n  reader:",
    (await w.ask(sql)).text.slice(0, 400),
    "\n  keeper:",
    (await w.ask(sql, "keeper")).text.slice(0, 200),
    "\n  root:",
    (await w.ask(sql, "root")).text.slice(0, 200),
  );
await w.close();

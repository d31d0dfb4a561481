import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Column, Value } from "../../core/contract/rows.ts";
import { problemOf } from "../support/config-folder.ts";
import { type MemoryAnswer, memoryDriver } from "../support/memory-driver.ts";
import { resultsApp } from "../support/results-app.ts";

const int: Column = { name: "n", type: "int", nativeType: "INT" };
const text: Column = { name: "s", type: "text", nativeType: "TEXT" };
const many = (count: number): MemoryAnswer => ({
  columns: [int, text],
  rows: Array.from({ length: count }, (_, n): Value[] => [n, `word ${n % 7}`]),
});

const answers = {
  few: many(3),
  many: many(5000),
  other: { columns: [int, { ...text, name: "label" }], rows: [[1, "one"] as Value[], [2, "two"]] },
  twice: { columns: [int, int, { ...int, name: "N" }], rows: Array.from({ length: 200 }, (_, n): Value[] => [n, -n, n * 2]) },
};

describe("stored results", () => {
  const { driver, log } = memoryDriver(answers);
  let room: Awaited<ReturnType<typeof resultsApp>>;
  before(async () => {
    room = await resultsApp([driver], { main: "memory:x" });
  });
  after(() => room.close());
  const lastLine = async (name: string, input: object) => (await room.lines(name, input)).at(-1) ?? "";

  it("keeps what is larger than an answer, in the one pass that reads it, and says how to go on", async () => {
    const ran = log.ran.length;
    const lines = await room.lines("query", { sql: "many" });
    assert.equal(lines.length, 102);
    assert.equal(lines.at(-1), '-- 100 of 5000 rows; kept as r1: query cursor r1:100 reads on, analyze "select … from r1", export from r1');
    assert.equal(log.ran.length, ran + 1);
  });

  it("keeps nothing of a small one", async () => {
    assert.equal(await lastLine("query", { sql: "few" }), "-- 3 rows");
  });

  it("runs any SQL over what is kept, and keeps that too when it is large", async () => {
    assert.deepEqual(await room.lines("analyze", { sql: "select s, count(*) c, sum(n) t from r1 group by s order by s limit 2" }), [
      "s,c,t",
      "word 0,715,1786785",
      "word 1,715,1787500",
      "-- 2 rows",
    ]);
    assert.match(
      await lastLine("analyze", { sql: "select a.n, b.n as m from r1 a join r1 b using (n)" }),
      /^-- 100 of 5000 rows; kept as r2: /,
    );
    assert.match(await lastLine("analyze", { sql: "select count(*) from r1 join r2 using (n)" }), /^-- 1 row$/);
  });

  it("reads on page by page, without its source", async () => {
    const ran = log.ran.length;
    const page = await room.lines("query", { cursor: "r1:4950" });
    assert.equal(page[1], "4950,word 1");
    assert.equal(page.at(-1), "-- rows 4951 to 5000 of 5000 of r1");
    assert.equal((await room.lines("query", { cursor: "r1", max_rows: 2 })).at(-1), "-- rows 1 to 2 of 5000 of r1; cursor r1:2");
    assert.equal((await room.lines("inspect", { cursor: "r1:4999" })).at(-1), "-- rows 5000 to 5000 of 5000 of r1");
    assert.equal(log.ran.length, ran);
  });

  it("fetches what a statement needs from connections first, all at once", async () => {
    const sql = "select label, count(*) c from r1 join o on r1.n % 2 + 1 = o.n group by all order by all";
    assert.deepEqual(await room.lines("analyze", { sql, from: { o: { sql: "other" } } }), ["label,c", "one,2500", "two,2500", "-- 2 rows"]);
  });

  it("refuses two names for what it fetches that differ in case only", async () => {
    const twice = await problemOf(room.call("analyze", { sql: "select * from o", from: { o: { sql: "few" }, O: { sql: "other" } } }));
    assert.deepEqual([twice.code, twice.message], ["INPUT_INVALID", '"O" names two results: case makes no difference']);
  });

  it("gives each column a name of its own", async () => {
    assert.match(await lastLine("query", { sql: "twice" }), /kept as r\d+/);
    const stored = (await room.app.results?.list(room.app.principal))?.at(-1);
    assert.equal((await room.lines("analyze", { sql: `select * from ${stored?.name} limit 1` }))[0], "n,n_2,N_3");
  });

  it("writes what is kept to a file, in every way a query can", async () => {
    const csv = await room.call("export", { from: "r1", to: "kept.csv" });
    assert.match(csv, /kept\.csv\n-- 5000 rows/);
    assert.match(await room.call("export", { from: "r1", to: "kept.parquet" }), /-- 5000 rows/);
    const [file] = (await room.app.results?.files(room.app.principal)) ?? [];
    assert.deepEqual([file?.rows, file?.lineage.parents], [5000, ["r1"]]);
  });

  it("belongs to whoever asked, and is not there for anybody else", async () => {
    const other = { id: "eve", roles: [], via: "api-key" } as const;
    for (const input of [{ sql: "select * from r1" }, { sql: "select * from stored_0.rows" }]) {
      const refused = await problemOf(room.call("analyze", input, other));
      assert.match(refused.code, /^(NOT_FOUND|SQL_INVALID)$/);
    }
    assert.equal((await problemOf(room.call("query", { cursor: "r1" }, other))).code, "NOT_FOUND");
    assert.match(await room.call("query", { sql: "many" }, other), /kept as r1:/);
  });

  it("reaches nothing else", async () => {
    for (const sql of [
      "select * from read_csv('/etc/passwd')",
      "select * from '/etc/passwd'",
      "attach '/tmp/x.db' as x",
      "copy r1 to '/tmp/out.csv'",
      "set memory_limit = '1GB'",
      "install httpfs",
      "select * from r1; select 1",
      "create table x as from r1",
      "delete from stored_0.rows",
      "call duckdb_settings()",
      "detach stored_0",
      "export database '/tmp/x'",
      "select * from glob('/etc/*')",
      "select * from read_text('/etc/passwd')",
      "select getenv('HOME')",
      "load httpfs",
      "use stored_0",
    ]) {
      const refused = await problemOf(room.call("analyze", { sql }).then((text) => assert.fail(`${sql}: ${text}`)));
      assert.ok(refused.code !== "INTERNAL", `${sql}: ${refused.code} ${refused.message}`);
      assert.doesNotMatch(`${refused.message} ${refused.hint}`, /tidegate-|\.duckdb/, sql);
    }
  });

  it("does not wait for an engine that hears no interrupt, and goes on with the next statement", async () => {
    const hasty = await resultsApp([memoryDriver(answers).driver], { main: "memory:x" }, { TIDEGATE_LIMITS_TIMEOUT: "500ms" });
    try {
      await hasty.call("query", { sql: "many" });
      const endless = "select count(*) from range(1000000000) a(x), range(1000) b(y) where hash(x + y) = 7";
      assert.equal((await problemOf(hasty.call("analyze", { sql: endless }))).code, "TIMEOUT");
      // Deno cannot end while the engine is at work.
      if (!("Deno" in globalThis)) {
        const folded = hasty.call("analyze", { sql: "select length(repeat('a', 700000000)) as n" });
        assert.match(await folded.catch(({ code }) => code), /^(TIMEOUT|n\n700000000\n)/);
      }
      assert.match(await hasty.call("analyze", { sql: "select count(*) as c from r1" }), /^c\n5000/);
    } finally {
      await hasty.close();
    }
  });

  it("says how to get back what is gone", async () => {
    assert.match(await lastLine("query", { sql: "many" }), /kept as (r\d+)/);
    const stored = (await room.app.results?.list(room.app.principal))?.at(-1);
    const name = stored?.name ?? "";
    await room.app.results?.remove(room.app.principal, name);
    const removed = await problemOf(room.call("query", { cursor: name }));
    assert.deepEqual([removed.code, removed.hint], ["RESULT_EXPIRED", 'Run it again on "main": many']);
    const joined = await problemOf(room.call("analyze", { sql: `select * from r1 join ${name} using (n)` }));
    assert.equal(joined.code, "RESULT_EXPIRED");
    assert.match((await problemOf(room.call("query", { cursor: "r999" }))).hint ?? "", /r1/);
    assert.equal((await problemOf(room.call("query", { cursor: "what" }))).code, "INPUT_INVALID");
  });

  it("gives an answer again to whoever says how old it may be, until something is written", async () => {
    const age = { sql: "few", max_age: 60 };
    const ran = () => log.ran.filter((sql) => sql === "few").length;
    const before = ran();
    await room.call("query", age);
    assert.match(await room.call("query", age), /rows 1 to 3 of 3 of r\d+; read 0 s ago$/);
    assert.equal(ran(), before + 1);
    await room.app.results?.wrote("main");
    await room.call("query", age);
    assert.equal(ran(), before + 2);
  });

  it("notices a file that is gone", async () => {
    const folder = join(room.app.config.results.folder);
    await room.call("query", { sql: "many" });
    const name = (await room.app.results?.list(room.app.principal))?.at(-1)?.name ?? "";
    for (const file of readdirSync(folder).filter((each) => each.endsWith(".duckdb"))) rmSync(join(folder, file));
    assert.equal((await problemOf(room.call("query", { cursor: name }))).code, "RESULT_EXPIRED");
  });
});

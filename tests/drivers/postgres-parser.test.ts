import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { createParser, type Parser, ParserFailure, sharedParser } from "../../plugins/postgres/guard/parser/parser.ts";

/** Answers like the real one, and does what the text says. */
const pretender = `
  import { parentPort, workerData } from "node:worker_threads";
  parentPort.on("message", ({ id, sql }) => {
    Atomics.store(workerData.working, 0, id);
    if (sql === "hang") for (;;);
    if (sql === "break") return parentPort.postMessage({ id, broken: "memory" });
    if (sql === "leave") return process.exit(3);
    parentPort.postMessage({ id, tree: sql, fingerprint: "" });
    parentPort.postMessage({ id, text: sql.toUpperCase() });
  });`;

describe("the parser of PostgreSQL", () => {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-parser-"));
  writeFileSync(join(folder, "worker.mjs"), pretender);
  after(() => rmSync(folder, { recursive: true, force: true }));
  const pretended = (): Parser => createParser({ worker: pathToFileURL(join(folder, "worker.mjs")), wasm: "" });
  const treeOf = async (parser: Parser, sql: string): Promise<unknown> => {
    const read = await parser.read(sql);
    return "tree" in read ? [read.tree, await read.text] : read;
  };

  for (const failure of ["hang", "break", "leave"]) {
    it(`fails for a text on which it would ${failure}, and reads those behind it and after it`, async () => {
      const parser = pretended();
      assert.deepEqual(await treeOf(parser, "a"), ["a", "A"]);
      const [bad, ...good] = await Promise.allSettled([failure, "b", "c"].map((sql) => treeOf(parser, sql)));
      assert.ok(bad?.status === "rejected" && bad.reason instanceof ParserFailure);
      assert.deepEqual(
        good.map((each) => each.status === "fulfilled" && each.value),
        [
          ["b", "B"],
          ["c", "C"],
        ],
      );
      assert.deepEqual(await treeOf(parser, "d"), ["d", "D"]);
    });
  }

  it("reads with the server's own grammar", async () => {
    const parser = sharedParser(undefined);
    const read = await parser.read("SELECT a FROM b -- c");
    assert.ok("tree" in read);
    assert.match(read.tree, /"relname":"b"/);
    assert.match(read.fingerprint, /^[0-9a-f]{16}$/);
    assert.equal(await read.text, "SELECT a FROM b");
    assert.equal(await parser.write(read.tree), "SELECT a FROM b");
    assert.deepEqual(await parser.read("select \u{1f600} from"), { error: "syntax error at end of input", position: 13 });
  });

  /** Each is a form that the npm package leaves out or writes wrongly, or that was mistaken for another once. */
  const forms = [
    "select (array[1, 2])[1:2], ('{1}'::int[])[1], (case when a then b end)[1], ((a.b).c[1]).d from a",
    'select a::pg_catalog.text, a::text, a::"char", a::pg_catalog."char", a::char(3), a::bpchar, a::pg_catalog.bpchar, a::bit, a::pg_catalog.bit from b',
    "select a::timestamp(3) with time zone, a::interval day to second(3), interval '1' hour, date '2020-01-01' from b",
    "select a at local, a at time zone 'UTC', extract(year from a), overlay(a placing b from 1), trim(both 'x' from a) from b",
    "select 1 from a order by 1 offset 2 fetch first (1 + 1) rows with ties",
    "select * from xmltable(xmlnamespaces('x' as x, default 'y'), '/r' passing ('<r/>'::xml) columns n int path '.', o for ordinality, t text default 'y' not null) q",
    "select json_value(a, '$.x' passing 1 as y returning int default 0 on empty error on error), json_query(a format json, 'x' with wrapper omit quotes) from b",
    "select * from json_table('{}', '$' as p columns (a int path '$.a' default 1 on empty, nested path '$.b' columns (c int exists, d jsonb format json))) t (x)",
    "select -1, - 1, -(-1), - (a + b), a - -1, not (a or b) and c, (a is null) = b, (a = b) is true from c",
    "select U&'\\0061', E'a\\nb\\\\', 'a''b', $$a'b\\$$, 1_000, 0xff, 1e5, .5, b'01', x'ff'",
    'select "A b"."c""d", "select", "order" as "group" from "A b" as "x y" ("c""d")',
    "with recursive t (a) as materialized (select 1 union all select 2) search depth first by a set n cycle a set c to 'y' default 'n' using p select * from t",
    "select (select 1 union (select 2 order by 1 limit 1)) except all select 3 order by 1",
    "select count(distinct a order by b) filter (where c) over (partition by d order by e groups between 1 preceding and current row exclude ties) from t window w as (order by z)",
    "select * from a natural left join (b cross join c) as j (x), lateral f(1) with ordinality t (y), rows from (f(1), g(2) as (a int)) with ordinality, only d tablesample system (3) repeatable (1)",
    "select a operator(public.+) b, a not between symmetric 1 and 2, a not ilike 'x' escape 'y', a similar to 'z', (a, b) overlaps (c, d), a = any (array[1]), a <> all (select 1) from t",
    "explain (analyze, buffers off) select 1",
    "insert into a (b, c[1]) values (1, default) on conflict (b) where b > 1 do update set c = excluded.c where a.b = 1 returning *, old.b",
    "update a set (b, c) = (select 1, 2), d[1] = 3 from e where a.f = e.f returning a.*",
    "merge into a using b on a.c = b.c when matched and a.d then update set e = 1 when not matched by source then delete when not matched then insert values (1)",
  ];
  for (const sql of forms)
    it(`writes so that the same is read: ${sql.slice(0, 120)}`, async () => {
      const read = await sharedParser(undefined).read(sql);
      assert.ok("tree" in read, JSON.stringify(read));
      assert.notEqual(await read.text, undefined);
    });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Analysis, RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { setup } from "../contract/analyzer.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { quirkObjects } from "./postgres-analyzer-objects.ts";

const never = new AbortController().signal;
const bin = findPostgres();
if (typeof bin !== "string") describe("restrictions on PostgreSQL", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  server.psql("create database quirks");
  server.psql([...setup, quirkObjects].join(";\n"), "quirks");
  let connection: Connection;
  before(async () => {
    connection = await createPostgresDriver().connect(server.target("quirks"), { signal: never, readOnly: true });
  });
  after(() => connection[Symbol.asyncDispose]());

  const analysed = async (sql: string): Promise<Analysis> => (await connection.analyze(sql))[0]?.analysis ?? assert.fail();
  const rows = async (sql: string, restrictions: readonly RelationRestriction[]): Promise<Value[][]> => {
    await using stream = await connection.query(sql, [], { signal: never, batchSize: 100, restrictions });
    const found: Value[][] = [];
    for await (const batch of stream)
      for (let row = 0; row < batch.length; row++) found.push(batch.columns.map((column) => column[row] ?? null));
    return found;
  };
  const on = (name: string, parts: Partial<RelationRestriction>): RelationRestriction => ({
    ...{ schema: "public", name, hidden: [], masks: [], where: [], values: {} },
    ...parts,
  });
  const redacted = (name: string, ...all: string[]) => on(name, { masks: all.map((column) => ({ column, form: "redact" as const })) });

  describe("PostgreSQL restricts", () => {
    it("the parts of a table, and what it is a part of", async () => {
      assert.deepEqual(await rows("select email from event order by id", [redacted("event", "email")]), [["***"], ["***"]]);
      assert.deepEqual(await rows("select email from event_2025", [redacted("event", "email")]), [["***"]]);
      assert.deepEqual(await rows("select chip from dog", [redacted("animal", "chip")]), [["***"]]);
      assert.deepEqual(await rows("select chip from animal order by id", [redacted("dog", "chip")]), [["***"], ["***"]]);
      assert.deepEqual(await rows("select chip from only animal", [redacted("dog", "chip")]), [["secret1"]]);
    });
    it("views over views, and materialized ones where only columns tell of what is restricted", async () => {
      assert.deepEqual(await rows("select distinct email from deep", [redacted("person", "email")]), [["***"]]);
      assert.deepEqual(await rows("select distinct email from emails", [redacted("person", "email")]), [["***"]]);
      assert.deepEqual(await rows("select id from emails where id = 2", [on("person", { hidden: ["email"] })]), [[2]]);
      for (const copy of ["mail_counts", "mail_kinds", "mail_order", "mail_union"])
        await assert.rejects(rows(`select * from ${copy}`, [redacted("person", "email")]), /materialized/, copy);
      assert.equal((await rows("select * from regions", [redacted("person", "email")])).length, 2);
      await assert.rejects(rows("select * from regions", [on("person", { where: ["id = 1"] })]), /materialized/);
    });
    it("columns of every type, so that what uses them still works", async () => {
      const masks = ["pair", "name", "code", "level", "tags", "at"];
      const [row] = await rows("select pair, name, code, level + 1, tags || 'x'::text, at + interval '1 day', (pair).a from kept", [
        redacted("kept", ...masks),
      ]);
      assert.deepEqual(row, [null, "***", "***", null, ["x"], null, null]);
      assert.deepEqual(await rows("select * from strict", [redacted("strict", "secret")]), [[1, "***"]]);
      assert.deepEqual(await rows("select * from strict", [on("strict", { masks: [{ column: "secret", form: "null" }] })]), [[1, null]]);
      assert.deepEqual(await rows('select "E-Mail" from "Mixed Case"', [redacted("Mixed Case", "E-Mail")]), [["***"]]);
    });
    it("without regard to how the table is named", async () => {
      const only = [on("person", { where: ["id = :id"], values: { id: 2n } })];
      for (const sql of [
        "select name from person",
        'select "name" from "public"."person"',
        "select person.name from public.person",
        "select public.person.name from public.person",
        "table person".replace("table person", "select p.name from person as p"),
      ])
        assert.deepEqual(await rows(sql, only), [["name2"]], sql);
      assert.deepEqual(await rows("with person as (select 'x' as name) select name from person", only), [["x"]]);
      assert.deepEqual(await rows("with other as (select 1) select name from person, other", only), [["name2"]]);
      assert.deepEqual(await rows("select id from other.person", only), []);
    });
    it("with values that try to be SQL", async () => {
      for (const value of ["x' or '1'='1", "x\\' or 1=1 --", "$$; drop table person", ":id", "\u2019 or 1=1"])
        assert.deepEqual(
          await rows("select 1 from person", [on("person", { where: ["name = :v and ':v' <> ''"], values: { v: value } })]),
          [],
        );
    });
    it("a hidden column in a list of aliases, and all of them", async () => {
      const hidden = [on("person", { hidden: ["email"] })];
      assert.deepEqual(await rows("select c from person p (a, b, c, d) where a = 1", hidden), [["EU"]]);
      await assert.rejects(rows("select c from person p (a, b, c, d, e)", hidden), /has 4 columns available but 5/);
      const byStar = (await analysed("select c from person p (a, b, c, d)")).columns.map((each) => [each.column, each.byStar]);
      assert.deepEqual(byStar, [["email", true]]);
      assert.deepEqual(
        await rows("select count(*) from person", [on("person", { hidden: ["id", "name", "email", "region", "boss_id"] })]),
        [[12]],
      );
      assert.deepEqual(await rows("select email is null, id from contact where id = 1", hidden), [[true, 1]]);
    });
    it("a generated column as what it is made of, also in what inherits it and in copies", async () => {
      assert.deepEqual(await rows("select * from only made", [redacted("made", "mail")]), [[1, "***", "***", null]]);
      assert.deepEqual(await rows("select low, n from only made where low = '***'", [redacted("made", "mail")]), [["***", null]]);
      assert.deepEqual(await rows("select * from only made", [on("made", { hidden: ["mail"] })]), [[1, "***", null]]);
      assert.deepEqual(await rows("select low from only made", [on("made", { masks: [{ column: "low", form: "partial" }] })]), [["s***"]]);
      assert.deepEqual(await rows("select mail, low from heir", [redacted("made", "mail")]), [["***", "***"]]);
      assert.deepEqual(await rows("select low from lows", [redacted("made", "mail")]), [["***"]]);
      assert.deepEqual(await rows("select low from low_copy", [redacted("made", "mail")]), [["***"]]);
      const found = (await analysed("select low from only made")).columns.map(({ column, byStar }) => [column, byStar === true]);
      assert.deepEqual(found, [
        ["low", false],
        ["mail", true],
      ]);
    });
    it("a view itself: its columns and its rows, also beneath another", async () => {
      const masked = [redacted("loud", "email")];
      assert.deepEqual(await rows("select distinct email from loud", masked), [["***"]]);
      assert.deepEqual(await rows("select distinct l.email from public.loud l where l.email = '***'", masked), [["***"]]);
      assert.deepEqual(await rows("select distinct email from deep", masked), [["***"]]);
      assert.deepEqual(await rows("select public.loud.id from public.loud order by loud.id limit 1", masked), [[1]]);
      assert.deepEqual(
        await rows("select * from contact where id < 3", [on("contact", { hidden: ["email"], where: ["contact.id > 1"] })]),
        [[2, "name2"]],
      );
      await assert.rejects(rows("select email from contact", [on("contact", { hidden: ["email"] })]), /email/);
      assert.deepEqual(await rows("select nr, mail from address where nr < 3", [on("contact", { hidden: ["email"], where: ["id > 1"] })]), [
        [2, null],
      ]);
      const both = [redacted("person", "name"), on("contact", { masks: [{ column: "email", form: "partial" }], where: ["id = 4"] })];
      assert.deepEqual(await rows("select * from contact", both), [[4, "***", "s***"]]);
      assert.deepEqual(await rows("select c.a, c.b from contact c (a, b)", both), [[4, "***"]]);
      const where = [on("contact", { where: ["id in (select person_id from purchase where total > 15)"] })];
      assert.deepEqual(await rows("with purchase as (select 1 as person_id, 20 as total) select id from contact order by id", where), [
        [4],
        [5],
        [6],
        [7],
        [8],
      ]);
    });
    it("a materialized view itself, and refuses one that holds what is restricted of a view", async () => {
      assert.deepEqual(await rows("select distinct email from emails", [redacted("emails", "email")]), [["***"]]);
      assert.deepEqual(await rows("select * from emails", [on("emails", { hidden: ["email"], where: ["id = 2"] })]), [[2]]);
      await assert.rejects(rows("select * from loud_copy", [redacted("loud", "email")]), /materialized/);
    });
    it("by what the policy's own subqueries mean, whatever WITH calls the same", async () => {
      const where = [on("purchase", { where: ["person_id in (select id from person where region = 'EU')"] })];
      const count = (sql: string) => rows(sql, where);
      const [all] = await count("select count(*) from purchase");
      for (const sql of [
        "with person as (select person_id as id, 'EU' as region from purchase) select count(*) from purchase",
        "with person as (select 2 as id, 'EU' as region) select count(*) from purchase",
        "with recursive person(id, region) as (select 1, 'EU' union all select id + 1, region from person where id < 20) select count(*) from purchase",
        "select (with person as (select 2 as id, 'EU' as region) select count(*) from purchase)",
        "select count(*) from (select 'EU' as region) person, lateral (select * from purchase) t",
      ])
        assert.deepEqual(await count(sql), [all], sql);
      const masks = [{ column: "total", form: { sql: "(select max(id) from person)" } }] as const;
      assert.deepEqual(await rows("with person as (select 77 as id) select distinct total from purchase", [on("purchase", { masks })]), [
        [12],
      ]);
      // What is restricted itself is read as it is.
      assert.deepEqual(await rows("select count(*) from purchase", [...where, on("person", { where: ["false"] })]), [all]);
    });
    it("nothing by conditions that mean something only within the statement", async () => {
      const outer = "select (select count(*) from person) from (select 1 as other) t";
      await assert.rejects(rows(outer, [on("person", { where: ["other = 1"] })]), /condition for "person"/);
      await assert.rejects(rows("select 1 from person", [on("person", { where: ["id in (select id from nowhere)"] })]), /condition/);
      await assert.rejects(
        rows("select email from person", [on("person", { masks: [{ column: "email", form: { sql: "nothing(email)" } }] })]),
        /condition/,
      );
    });
    it("groups by a key as the table would, whose other columns follow from it", async () => {
      const kept = [on("person", { where: ["true"] }), on("purchase", { where: ["true"] })];
      for (const sql of [
        "select p.id, p.name, count(*) from person p join purchase u on u.person_id = p.id group by p.id order by 1",
        "select p.*, sum(u.total) from person p join purchase u on u.person_id = p.id group by p.id order by p.id",
        "select upper(name) as x, region from person group by id having region = 'EU' order by email",
        "select id as nr, name from person group by nr order by nr",
        "select id, name from person group by 1 order by 1",
        "select a, b from person p (a, b) group by a order by a",
        "select to_json(p)::text as j from person p group by p.id order by j",
        "select p.name, (select max(total) from purchase u where u.person_id = p.id) from person p group by p.id order by p.id",
        "select region, name, count(*) from person group by id, rollup (region) order by id, region",
      ])
        assert.deepEqual(await rows(sql, kept), await rows(sql, []), sql);
      assert.deepEqual(await rows("select email, id from person group by id order by id limit 1", [redacted("person", "email")]), [
        ["***", 1],
      ]);
      await assert.rejects(rows("select name from person group by id", [redacted("person", "id")]));
      await assert.rejects(rows("select name from person group by region", kept));
    });
    it("rows before any condition of the statement may fail on them", async () => {
      const where = [on("purchase", { where: ["person_id in (select id from person where region = 'EU')"] })];
      assert.equal((await rows("select id from purchase where 1 / (person_id - 2) < 9", where)).length, 7);
      const text = async (sql: string) => (await connection.render?.(sql, where, never)) ?? assert.fail();
      assert.match(await text("select id from purchase where 1 / id < 9"), /OFFSET 0/);
      assert.match(await text("select x from (select 1 / id as x from purchase) t where x < 9"), /OFFSET 0/);
      assert.match(await text("select id from purchase where id = (select max(id) from person)"), /OFFSET 0/);
      for (const sql of [
        "select id, 1 / id from purchase where total > 5 and placed >= current_date - 30 order by 1 / id",
        "select date_trunc('month', placed), sum(total) from purchase where id in (1, 2) group by 1",
        "select id from purchase where lower(id::text) like '1%' or placed between '2026-01-01' and '2026-02-01'",
      ])
        assert.doesNotMatch(await text(sql), /OFFSET/, sql);
    });
    it("nothing to the type of a table's rows", async () => {
      await assert.rejects(rows("select (null::person).email", [redacted("person", "email")]), /cannot be used as a type/);
      assert.deepEqual(await rows("select (null::person).email", [on("person", { where: ["true"] })]), [[null]]);
    });
    it("a copy of the result, its plan and parameters", async () => {
      const restrictions = [redacted("person", "email")];
      const chunks: Uint8Array[] = [];
      await using copied =
        (await connection.copyOut?.("select email from person where id = $1", [2], { signal: never, batchSize: 10, restrictions })) ??
        assert.fail();
      for await (const chunk of copied) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), "***\n");
      const plan = await connection.explain(
        "select * from person where email = :mail",
        { mail: "secret1@hidden.example" },
        { signal: never, batchSize: 10, analyze: true, restrictions },
      );
      assert.match(plan, /One-Time Filter: false|rows=0/);
    });
  });
}

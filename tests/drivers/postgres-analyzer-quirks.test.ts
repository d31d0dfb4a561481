import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Analysis, RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection, Statement } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { setup } from "../contract/analyzer.ts";
import { findPostgres, majorOf, startPostgres } from "../support/services-postgres.ts";
import { quirkObjects } from "./postgres-analyzer-objects.ts";

const never = new AbortController().signal;

/** Whether each text reads \`salary\`: the engine says so when the table is called something else. */
const odd = [
  "select 1 -- from salary",
  "select 1 -- x\r, amount from salary",
  "select 1 -- x\n, amount from salary",
  "select 1 /* /* */ , amount from salary */",
  "select 1 /* /* */ */ , amount from salary",
  "select '--', amount from salary --'",
  "select 'a\\', amount from salary --'",
  "select E'a\\', amount from salary --'",
  "select e'a''b', amount from salary",
  "select $$ $$, amount from salary",
  "select $a$ $$ $a$, amount from salary",
  "select $$ from salary $$",
  "select $a$ $b$ from salary $a$",
  "select U&'\\0061' from salary",
  'select 1 from U&"\\0073alary"',
  "select 1 from U&\"!0073alary\" uescape '!'",
  'select 1 from "salary"',
  'select 1 as "from salary"',
  'select 1 as "x"" from salary"',
  "select 'x'\n'y' from salary",
  "select b'01' as a, x'1f' as b from salary",
  "select 1 from/**/salary",
  "select.5 as x from salary",
  "select\v1 from salary",
  "select(amount)from salary",
  "select amount::int from\tsalary\f",
  "table salary",
  "select * from only (salary)",
  "select * from public . salary",
  "values (1), ((select amount from salary limit 1))",
  "select salary::text as x from (select 1) salary",
  "select salary::text from salary",
  "select (select 1 from salary) from (values (1)) salary (x)",
  "with salary as (select 1) select * from salary",
  "with salary as (select * from salary) select * from salary",
  "with recursive salary as (select 1 as x union select x from salary) select * from salary",
  "with x as (with salary as (select 1) select * from salary) select * from x",
  "with x as (with salary as (select 1) select 1) select * from salary",
  "with salary as (select 1) select * from public.salary",
  "select (with salary as (select 1) select count(*) from salary), amount from salary",
  "select 1 where exists (with salary as (select 1) table salary)",
  "with a as (select * from b), b as (select 1) select * from a",
];

const bin = findPostgres();
if (typeof bin !== "string")
  describe("analyzer PostgreSQL, in its corners", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  describe("analyzer PostgreSQL, in its corners", () => {
    let connection: Connection;
    before(async () => {
      server.psql("create database quirks");
      server.psql([...setup, quirkObjects].join(";\n"), "quirks");
      connection = await createPostgresDriver().connect(server.target("quirks"), { signal: never, readOnly: true });
    });
    after(() => connection[Symbol.asyncDispose]());

    const analysed = async (sql: string): Promise<Analysis> => {
      const analysis = (await connection.analyze(sql))[0]?.analysis;
      assert.ok(analysis !== undefined);
      assert.equal(analysis.unresolved, undefined, JSON.stringify(analysis.unresolved));
      return analysis;
    };
    const names = ({ relations }: Analysis): string[] => [...new Set(relations.map(({ schema, name }) => `${schema}.${name}`))].sort();
    const columns = ({ columns: all }: Analysis): string[] => all.map(({ schema, table, column }) => `${schema}.${table}.${column}`).sort();
    const untrusted = async (sql: string): Promise<string[]> =>
      (await analysed(sql)).functions.filter(({ trusted }) => !trusted).map(({ name }) => name);
    const on = (name: string, parts: Partial<RelationRestriction>): RelationRestriction => ({
      ...{ schema: "public", name, hidden: [], masks: [], where: [], values: {} },
      ...parts,
    });
    const redacted = (name: string, ...all: string[]) => on(name, { masks: all.map((column) => ({ column, form: "redact" as const })) });

    describe("reads texts as the engine does", () => {
      const reads = new Map<string, boolean | undefined>();
      before(() => {
        const tries = (index: number, sql: string) =>
          `do $do$ begin execute $sql$create view odd_${index} as ${sql}$sql$; exception when others then null; end $do$`;
        server.psql(odd.map((sql, index) => tries(index, sql)).join(";\n"), "quirks");
        const made = server.psql("select relname from pg_class where relname like 'odd\\_%'", "quirks").split("\n");
        const found = server.psql(
          "select distinct v.relname from pg_class v join pg_rewrite r on r.ev_class = v.oid join pg_depend d on d.objid = r.oid and d.refobjid = 'salary'::regclass where v.relname like 'odd\\_%'",
          "quirks",
        );
        for (const [index, sql] of odd.entries())
          reads.set(sql, made.includes(`odd_${index}`) ? found.split("\n").includes(`odd_${index}`) : undefined);
        server.psql(made.map((name) => `drop view ${name}`).join(";"), "quirks");
      });
      for (const sql of odd) {
        it(JSON.stringify(sql), async () => {
          const expected = reads.get(sql);
          const found = await connection.analyze(sql).catch((): readonly Statement[] => []);
          if (expected === undefined) return assert.ok(found[0]?.analysis === undefined || found[0].analysis.unresolved !== undefined);
          const analysis = found[0]?.analysis;
          assert.equal(analysis?.unresolved, undefined);
          assert.equal(
            analysis?.relations.some(({ name }) => name === "salary"),
            expected,
          );
        });
      }
    });

    describe("finds what names mean", () => {
      const cases: readonly (readonly [sql: string, relations: readonly string[], columns: readonly string[]])[] = [
        ["select email from other.person", ["other.person"], ["other.person.email"]],
        [
          "select p.email, q.amount from person p, other.person q",
          ["other.person", "public.person"],
          ["other.person.amount", "public.person.email"],
        ],
        ["select person.email from other.person", ["other.person"], ["other.person.email"]],
        ["select (select email) from person", ["public.person"], ["public.person.email"]],
        ["select (select email from (select 1 as email) x) from person", ["public.person"], []],
        ["select (select name from salary) from person", ["public.person", "public.salary"], ["public.person.name"]],
        ["select x.* from person, lateral (select email) x", ["public.person"], ["public.person.email"]],
        [
          "select 1 from person p where exists (select from salary, (select p.email) x)",
          ["public.person", "public.salary"],
          ["public.person.email"],
        ],
        ["select e from person p (e)", ["public.person"], ["public.person.id"]],
        ["select name as email, email as name from person order by name", ["public.person"], ["public.person.email", "public.person.name"]],
        ["select 1 as email from person order by lower(email)", ["public.person"], ["public.person.email"]],
        ["select id as email from person order by email", ["public.person"], ["public.person.id"]],
        ["select max(id) as email from person group by email", ["public.person"], ["public.person.email", "public.person.id"]],
        ["select j.email from (person p join salary s on true) j", ["public.person", "public.salary"], ["public.person.email"]],
        [
          "select u.id from person join (select id from purchase) u using (id)",
          ["public.person", "public.purchase"],
          ["public.person.id", "public.purchase.id"],
        ],
        [
          "select id from person p natural join other.person q",
          ["other.person", "public.person"],
          ["other.person.email", "other.person.id", "public.person.email", "public.person.id"],
        ],
        ['select "E-Mail" from "Mixed Case"', ["public.Mixed Case"], ["public.Mixed Case.E-Mail"]],
        ['select update, "select" from query', ["public.query"], ["public.query.select", "public.query.update"]],
        ["select (pair).a, (k.pair).b from kept k", ["public.kept"], ["public.kept.pair"]],
        ["select (deep).id from deep", ["public.deep", "public.loud", "public.person", "public.purchase"], []],
        ["select id from emails", ["public.emails", "public.person"], ["public.person.id"]],
        ["select n from regions", ["public.person", "public.regions"], ["public.person.region"]],
        ["select count(*) from event", ["public.event"], []],
        ["select email from event_2025", ["public.event", "public.event_2025"], ["public.event.email", "public.event_2025.email"]],
        ["select name from animal", ["public.animal", "public.dog"], ["public.animal.name", "public.dog.name"]],
        ["select name from only animal", ["public.animal"], ["public.animal.name"]],
        ["select chip, tail from dog", ["public.animal", "public.dog"], ["public.animal.chip", "public.dog.chip", "public.dog.tail"]],
        [
          "with t as (select id, email from person) select t.id from t join t u using (id)",
          ["public.person"],
          ["public.person.email", "public.person.id"],
        ],
        ["select null::person", ["public.person"], []],
        [
          "select coalesce((select email from person limit 1), (select max(amount)::text from salary))",
          ["public.person", "public.salary"],
          ["public.person.email", "public.salary.amount"],
        ],
      ];
      for (const [sql, relations, used] of cases)
        it(sql, async () => {
          const analysis = await analysed(sql);
          assert.deepEqual(names(analysis), [...relations]);
          if (!sql.includes("(deep)")) assert.deepEqual(columns(analysis), [...used]);
        });

      it("tells a column that is reached by its name behind a star", async () => {
        const [column] = (await analysed("select email from (select * from person) t")).columns.filter(({ column }) => column === "email");
        assert.equal(column?.byStar, undefined);
      });
      it("tells what the catalog is asked for", async () => {
        const tells = async (sql: string) => (await analysed(sql)).relations.findLast(({ kind }) => kind === "catalog")?.tells;
        assert.equal(await tells("select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"), "names");
        assert.equal(await tells("select table_name from information_schema.tables"), "names");
        assert.equal(await tells("select * from information_schema.tables"), "names");
        assert.equal(await tells("select column_name, data_type from information_schema.columns where table_name = 'person'"), "names");
        assert.equal(await tells("select column_default from information_schema.columns"), "structure");
        assert.equal(await tells("select * from information_schema.columns"), "structure");
        assert.equal(await tells("select c from pg_class c"), "structure");
        assert.equal(await tells("select count(*) from pg_class where reltuples > 5"), "structure");
        assert.equal(await tells("select t.x from (select attmissingval as x from pg_attribute) t"), "structure");
        assert.equal(await tells("select pg_get_expr(adbin, adrelid) from pg_attrdef"), "structure");
        assert.equal(await tells("select pg_get_viewdef('contact'::regclass)"), "structure");
        assert.equal(await tells("select most_common_vals from pg_stats"), "contents");
        assert.equal(await tells("select query from pg_stat_activity"), "contents");
        assert.equal(await tells("select rolpassword from pg_authid"), "secrets");
        assert.equal(await tells("select passwd from pg_shadow"), "secrets");
        assert.equal(await tells("select 'salary'::regclass"), "names");
        assert.equal(await tells("select pg_total_relation_size('salary')"), "contents");
        assert.equal(await tells("show server_version"), undefined);
        assert.equal(await tells("show data_directory"), "contents");
      });
      it("finds functions that are written like columns, and in views", async () => {
        assert.deepEqual(await untrusted("select p.touch from person p"), ["touch"]);
        assert.deepEqual(await untrusted("select (p).touch from person p"), ["touch"]);
        assert.deepEqual(await untrusted("select touch(p) from person p"), ["touch"]);
        assert.deepEqual(await untrusted("select whoever(p.*) from person p"), ["whoever"]);
        assert.deepEqual(await untrusted("select id from touched"), ["touch"]);
        assert.deepEqual(await untrusted("select email(p), id(p) from person p"), []);
        assert.deepEqual(await untrusted("select t.touch from json_populate_record(null::person, '{}') t"), ["touch"]);
        assert.deepEqual(await untrusted("select (array_agg(p))[1].touch from person p"), ["touch"]);
        assert.deepEqual(await untrusted("select (x.p).touch from (select p from person p) x"), ["touch"]);
      });
      it("finds what the engine runs without being asked by name", async () => {
        assert.deepEqual(await untrusted("select required('x')"), []);
        assert.deepEqual(await untrusted("select id from feeling"), []);
        assert.deepEqual(await untrusted("select mood from feeling"), ["mood_text"]);
        assert.deepEqual(await untrusted("select (array_agg(mood))[1]::text from feeling"), ["mood_text"]);
        assert.deepEqual(await untrusted("select count(*)::text from feeling"), []);
        // Before 14 it takes no order without equality for DISTINCT.
        if (majorOf(server.bin) < 14) return;
        assert.deepEqual(await untrusted("select distinct pair from kept"), ["pairs"]);
        assert.deepEqual(await untrusted("select distinct row(1, 'a')::pair"), ["pair"]);
      });
      it("sees a table, a column and a function that were made a moment ago", async () => {
        await analysed("select 1");
        server.psql("create table fresh (id int); create function newest() returns int language sql as 'select 1'", "quirks");
        assert.deepEqual(names(await analysed("select id from fresh")), ["public.fresh"]);
        server.psql("alter table fresh add column more text", "quirks");
        assert.deepEqual(columns(await analysed("select more from fresh")), ["public.fresh.more"]);
        assert.deepEqual(await untrusted("select newest()"), ["newest"]);
      });
      it("sees inside a transaction what only it has done", async () => {
        await using writer = await createPostgresDriver().connect(server.target("quirks"), { signal: never, readOnly: false });
        await using transaction = (await writer.begin?.({ signal: never, readOnly: false })) ?? assert.fail();
        const run = async (sql: string) => {
          await using done = await transaction.query(sql, [], { signal: never, batchSize: 1 });
          for await (const _ of done);
        };
        await run("create temp table person (own int)");
        const found = (await writer.analyze("select own from person"))[0]?.analysis;
        assert.match(found?.relations[0]?.schema ?? "", /^pg_temp/);
        await run("set local search_path = other");
        await assert.rejects(writer.analyze("select amount from person"), /amount/);
        await run("drop table pg_temp.person");
        assert.deepEqual(names((await writer.analyze("select amount from person"))[0]?.analysis ?? assert.fail()), ["other.person"]);
        assert.deepEqual(names(await analysed("select name from person")), ["public.person"]);
      });
    });

    it("estimates what a statement costs, under restrictions and behind explain too", async () => {
      const options = { signal: never, batchSize: 10 };
      const cost = async (sql: string, params = {}) => (await connection.cost?.(sql, params, options)) ?? assert.fail();
      assert.ok(
        (await cost("select * from person a, person b, person c")) > (await cost("select * from person where id = :id", { id: 1 })),
      );
      assert.ok((await cost("explain (analyze, costs off) select * from person a, person b, person c")) > 100);
      assert.equal(await cost("show server_version"), 0);
      assert.ok(
        ((await connection.cost?.("select email from person", [], { ...options, restrictions: [redacted("person", "email")] })) ?? 0) > 0,
      );
    });
    it("sends our own text where a comment or a literal would be read in another way by an older server", async () => {
      assert.equal(await connection.render?.("select 1_000 as x -- y", [], never), "SELECT 1000 AS x");
      assert.equal(await connection.render?.("select/**/0x1F", [], never), "SELECT 31");
    });
  });
}

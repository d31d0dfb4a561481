import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Analysis } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { legitimate as portable, masked as portableMasked, positions, reaches } from "../contract/analyzer/cases.ts";
import { setup } from "../contract/analyzer.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { legitimate, masked, objects } from "./postgres-analyzer-cases.ts";

/** Every way into FROM, each with `a.email`, `a.id` and `a.name` in sight. */
const ranges = [
  "person a",
  "only person a",
  "public.person as a",
  "(select * from person) a",
  "(select id, email, name from person) as a",
  "(table person) a",
  "(select id, email, name from person union all select id, mail, 'x' from (select nr as id, mail from address) b) a",
  "person a join purchase b on b.person_id = a.id",
  "person a left join lateral (select total from purchase u where u.person_id = a.id) b on true",
  "contact a",
  "contact a natural join (select 1 as id) b",
  "person as a (id, name, email) join salary b on b.person_id = a.id",
  "(person natural join (select 1 as extra) c) as a",
  "purchase b right join person a on a.id = b.person_id",
];

/** What may be asked of it. */
const questions = [
  (from: string) => `select a.email as x from ${from}`,
  (from: string) => `select count(*) as x from ${from}`,
  (from: string) => `select max(a.email) as x from ${from} group by a.name`,
  (from: string) => `select 1 as x from ${from} where a.email like 'a%' or a.id is null`,
  (from: string) => `select a.id as x from ${from} order by a.email desc, 1`,
  (from: string) => `select row_number() over (partition by a.name order by a.email) as x from ${from}`,
  (from: string) => `select case when a.id > 1 then a.email end as x from ${from}`,
  (from: string) => `select 1 as x from ${from} group by a.id having bool_or(a.email is null)`,
  (from: string) => `select (select max(amount) from salary s where s.person_id = a.id) as x from ${from}`,
  (from: string) => `select distinct on (a.email) a.id as x from ${from}`,
  (from: string) => `with t as (select a.id, a.email from ${from}) select count(t.email) as x from t`,
  (from: string) => `select exists (select 1 from purchase u where u.person_id = a.id and u.total > length(a.email)) as x from ${from}`,
  (from: string) => `select string_agg(a.email, a.name order by a.id) filter (where a.id < 3) as x from ${from}`,
  (from: string) => `select array(select a.email) as x from ${from}`,
  (from: string) => `select a::text as x from ${from}`,
];

const statements = [
  ...new Set([
    ...reaches.map(({ sql }) => sql),
    ...positions.filter((sql) => !sql.includes("like (select max")),
    ...portable,
    ...portableMasked,
    ...legitimate,
    ...masked.filter((sql) => !sql.startsWith("explain")),
    ...ranges.flatMap((from) => questions.map((question) => question(from))),
  ]),
];

/** What the engine keeps of a view: the relations it names, and their columns. */
interface Kept {
  readonly relations: readonly string[];
  readonly columns: readonly string[];
}

const keptSql = `select coalesce(json_object_agg(v.relname, k.kept), '{}') from pg_class v join lateral (
  select json_build_object('relations', coalesce(json_agg(distinct c.relname) filter (where c.oid is not null), '[]'),
    'columns', coalesce(json_agg(distinct c.relname || '.' || a.attname) filter (where c.relkind in ('r', 'p') and a.attnum > 0), '[]')) as kept
  from pg_rewrite r left join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid and d.deptype = 'n'
    left join pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'm') left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where r.ev_class = v.oid) as k on true where v.relname like 'oracle\\_%'`;

const bin = findPostgres();
if (typeof bin !== "string")
  describe("analyzer PostgreSQL against the engine", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  describe("analyzer PostgreSQL against the engine", () => {
    let connection: Connection;
    let kept: Record<string, Kept>;
    before(async () => {
      server.psql("create database oracle");
      server.psql([...setup, objects].join(";\n"), "oracle");
      const names = (index: number) => `oracle_${index}`;
      // A column list would end the view where two columns have one name; a subselect's columns may.
      const made = statements.map(
        (sql, index) => `do $do$ begin execute $sql$create view ${names(index)} as ${sql}$sql$; exception when others then null; end $do$`,
      );
      server.psql(made.join(";\n"), "oracle");
      kept = JSON.parse(server.psql(keptSql, "oracle"));
      connection = await createPostgresDriver().connect(server.target("oracle"), { signal: new AbortController().signal, readOnly: true });
    });
    after(() => connection[Symbol.asyncDispose]());

    it("has enough to compare", () => assert.ok(Object.keys(kept).length > 300, `${Object.keys(kept).length} of ${statements.length}`));

    for (const [index, sql] of statements.entries()) {
      it(`names what the engine depends on: ${sql.slice(0, 140)}`, async () => {
        const known = kept[`oracle_${index}`];
        if (known === undefined) return;
        const analysis = (await connection.analyze(sql))[0]?.analysis;
        assert.ok(analysis !== undefined && analysis.unresolved === undefined, JSON.stringify(analysis?.unresolved));
        assert.deepEqual(direct(analysis), [...known.relations].sort());
        const ours = columnsOf(analysis);
        for (const column of known.columns) assert.ok(ours.named.has(column) || ours.byStar.has(column), `${column} was not seen`);
        // What views use is no dependency of the statement itself; a whole row is one of the relation.
        const base = new Set(analysis.relations.filter(({ through }) => through !== undefined).map(({ name }) => name));
        for (const column of ours.named) {
          const [table = ""] = column.split(".");
          assert.ok(known.columns.includes(column) || base.has(table), `${column} is not used`);
        }
      });
    }
  });
}

const direct = ({ relations }: Analysis): string[] =>
  [...new Set(relations.filter(({ through }) => through === undefined).map(({ name }) => name))].sort();

function columnsOf({ columns }: Analysis): { readonly named: Set<string>; readonly byStar: Set<string> } {
  const of = (star: boolean) =>
    new Set(columns.filter(({ byStar = false }) => byStar === star).map(({ table, column }) => `${table}.${column}`));
  return { named: of(false), byStar: of(true) };
}

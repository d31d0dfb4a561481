import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { never, rejection } from "../contract/driver/bench.ts";
import {
  absence,
  analysis,
  asRoot,
  connection,
  diagnose,
  masked,
  open,
  reached,
  refusedAs,
  rows,
  withServer,
} from "./mysql-analyzer-bench.ts";

withServer();

describe("mysql analyzer names", { skip: absence }, () => {
  it("tables of other databases apart from those of the same name", async () => {
    assert.deepEqual(reached(await analysis("select pin from other.person")), ["other.person.pin"]);
    assert.deepEqual(reached(await analysis("select a.name, b.pin from person a, other.person b where a.id = b.id")), [
      "guard.person.id",
      "guard.person.name",
      "other.person.id",
      "other.person.pin",
    ]);
  });

  it("what a view reads in another database", async () => {
    const { relations } = await analysis("select name from across");
    assert.deepEqual(
      relations.map(({ schema, name, through }) => [schema, name, through?.map((view) => view.name)]),
      [
        ["guard", "across", undefined],
        ["guard", "person", ["across"]],
        ["other", "hoard", ["across"]],
      ],
    );
  });

  it("columns of views over unions, functions, windows and common table expressions", async () => {
    assert.deepEqual(reached(await analysis("select what from mixed")), ["guard.person.email", "guard.person.name"]);
    assert.deepEqual(reached(await analysis("select id from swapped")), ["guard.person.email"]);
    assert.deepEqual(reached(await analysis("select mail from nested")), ["guard.person.email", "guard.person.id"]);
  });

  it("tables in the case they were made in, as the server does", async () => {
    assert.deepEqual(reached(await analysis("select AMOUNT from Salary")), ["guard.Salary.amount"]);
    await refusedAs(connection().analyze("select amount from salary"), /"salary" does not exist/);
    await refusedAs(connection().analyze("select P.name from person p"), /"name" does not exist/);
  });

  it("no table that is made of others", async () => {
    assert.match((await analysis("select id from merged")).unresolved?.message ?? "", /"merged", a merge of other tables/);
  });

  it("nothing after the session reads names or texts in another way, until it is reset", async () => {
    await using writer = await open("tide", false);
    for (const sql of ["set names latin1", "set sql_mode = 'ANSI_QUOTES'", "set session character_set_client = gbk", "use other"]) {
      await rows(sql, [], writer).catch(() => []);
      assert.match((await analysis("select id from person", writer)).unresolved?.message ?? "", /after USE/, sql);
      await refusedAs(rows("select id from person", [masked], writer), /after USE/);
      await writer.reset?.(never).catch(() => undefined);
      if (sql.startsWith("use")) return;
      assert.equal((await analysis("select id from person", writer)).unresolved, undefined, sql);
    }
  });

  it("the catalog by what it tells", async () => {
    const tells = async (sql: string) => (await analysis(sql)).relations.map((use) => use.tells);
    assert.deepEqual(await tells("select table_name from information_schema.tables"), ["structure"]);
    assert.deepEqual(await tells("select TABLE_NAME from INFORMATION_SCHEMA.TABLES"), ["structure"]);
    assert.deepEqual(await tells("select info from information_schema.processlist"), ["contents"]);
    assert.deepEqual(await tells("select user from mysql.user"), ["secrets"]);
    assert.deepEqual(await tells("select argument from mysql.general_log"), ["secrets"]);
    assert.deepEqual(await tells("select name from mysql.help_topic"), ["structure"]);
    assert.deepEqual(await tells("select min_value from mysql.column_stats"), ["contents"]);
    assert.deepEqual(await tells("select @@datadir"), ["contents"]);
    assert.deepEqual(await tells("select @@version"), []);
    assert.deepEqual(await tells("show grants"), ["secrets"]);
    assert.deepEqual(await tells("show create user tide"), ["secrets"]);
    assert.deepEqual(await tells("show processlist"), ["contents"]);
    assert.deepEqual(await tells("show warnings"), ["contents"]);
    assert.deepEqual(await tells("show create table person"), ["structure"]);
  });
});

describe("mysql analyzer keeps scopes", { skip: absence }, () => {
  const cases: readonly (readonly [sql: string, ...columns: string[]])[] = [
    ["select (select s.amount from Salary s where s.person_id = p.id) from person p", "Salary.amount", "Salary.person_id", "person.id"],
    ["select name from person where exists (select 1 from Salary where amount > secret)", "Salary.amount", "person.name", "person.secret"],
    ["select name as secret from person order by secret", "person.name"],
    ["select name as secret from person group by secret", "person.name", "person.secret"],
    ["select id as k, (select k) from person", "person.id"],
    ["select x.email from (select name as email from person) x", "person.name"],
    ["with person as (select amount as email from Salary) select email from person", "Salary.amount"],
    ["with person as (select 1 as email) select p.email from guard.person p", "person.email"],
    ["select t.a from (select email as a from person) t join Salary on t.a = Salary.amount", "Salary.amount", "person.email"],
    ["select count(*) from person a join person b using (email)", "person.email"],
    ["select count(*) from person natural join parted", "parted.email", "parted.id", "person.email", "person.id"],
    [
      "select p.name from person p join Salary s on s.person_id = p.id and p.email <> ''",
      "Salary.person_id",
      "person.email",
      "person.id",
      "person.name",
    ],
    ["select max(amount) over (partition by person_id) from Salary", "Salary.amount", "Salary.person_id"],
    ["(select id from person) order by id", "person.id"],
    ["select id from person union select person_id from Salary order by id", "Salary.person_id", "person.id"],
    ["select ghost from faint", "faint.ghost"],
    ["select * from faint", "faint.id", "faint.name"],
    ["select email, row_start from past for system_time all", "past.email"],
    ["select email from past for system_time as of timestamp '2030-01-01 00:00:00' as p", "past.email"],
    ["select q.email from parted partition (p1) as q", "parted.email"],
  ];
  for (const [sql, ...columns] of cases)
    it(sql, async () => {
      const found = await analysis(sql);
      assert.equal(found.unresolved, undefined);
      assert.deepEqual(
        reached(found),
        columns.map((column) => `guard.${column}`),
      );
      await rows(sql);
    });
});

describe("mysql analyzer trusts", { skip: absence }, () => {
  const untrusted = async (sql: string) => (await analysis(sql)).functions.filter(({ trusted }) => !trusted).map(({ name }) => name);

  it("no stored function, and none that hides one of another version", async () => {
    assert.deepEqual(await untrusted("select guard.squared(2)"), ["squared"]);
    assert.deepEqual(await untrusted("select `squared`(2)"), ["squared"]);
    assert.deepEqual(await untrusted("select weigh('a')"), ["weigh"]);
    for (const call of ["writer()", "regexp_like('a', 'a')"])
      assert.equal(diagnose(await rejection(connection().analyze(`select ${call}`)))?.code, "POLICY_DENIED");
    assert.deepEqual(await untrusted("select upper (name) from person"), []);
  });

  it("a stored function that somebody vouches for runs where nothing can be written", async () => {
    const [statement] = await connection().analyze("select squared(3)");
    assert.equal(statement?.kind, "read");
    assert.deepEqual(await rows("select squared(3)"), [[9]]);
    const error = await rejection(rows("select writer()"));
    assert.equal(diagnose(error)?.code, "POLICY_DENIED");
    assert.deepEqual(await rows("select count(*) from Salary"), [[1]]);
  });

  it("hints that say how rows are found, and none that change a limit", async () => {
    const text = async (sql: string) => await connection().render?.(sql, [], never);
    for (const kept of ["/*+ no_bnl() */", "/*+ JOIN_ORDER(a, b) index(a primary) */", "/*+ qb_name(x) no_merge(@x) */"])
      assert.equal(await text(`select ${kept} 1`), `select ${kept} 1`);
    for (const dropped of [
      "/*+ max_execution_time(0) */",
      "/*+ set_var(sql_mode = ANSI_QUOTES) */",
      "/*+ no_bnl() set_var(x=1) */",
      "/*+ bnl(';') */",
    ])
      assert.equal(await text(`select ${dropped} 1`), `select ${" ".repeat(dropped.length)} 1`);
  });

  it("no view a user may not see the query of, and says what would help", async () => {
    await using limited = await open("limited");
    const { unresolved } = await analysis("select name from contact", limited);
    assert.match(`${unresolved?.message} ${unresolved?.hint}`, /view "contact".*grant show view on guard\.contact/);
    await using viewer = await open("viewer");
    assert.deepEqual(reached(await analysis("select name from contact", viewer)), ["guard.person.name"]);
  });

  it("a view over tables a user cannot see, down to those tables", async () => {
    await using viewer = await open("viewer");
    assert.deepEqual(reached(await analysis("select gold from across", viewer)), ["guard.person.id", "other.hoard.gold", "other.hoard.id"]);
  });

  it("what it knows no longer than until the schema changes", async () => {
    await using writer = await open("tide", false);
    await rows("create view shifty as select id, name as what from person", [], writer);
    assert.deepEqual(reached(await analysis("select what from shifty", writer)), ["guard.person.name"]);
    await rows("create or replace view shifty as select id, email as what from person", [], writer);
    assert.deepEqual(reached(await analysis("select what from shifty", writer)), ["guard.person.email"]);
    asRoot("create or replace view guard.shifty as select id, note as what from guard.person");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.deepEqual(reached(await analysis("select what from shifty", writer)), ["guard.person.note"]);
    await rows("drop view shifty", [], writer);
    await refusedAs(writer.analyze("select what from shifty"), /does not exist/);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Analysis, RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const absence = mariaDbAbsence();

const setup = `
create database other;
use other;
create table person (id int primary key, pin varchar(9));
create table hoard (id int primary key, gold int);
insert into person values (1, 'otherpin');
insert into hoard values (1, 77);
create view rich as select id, gold from hoard where gold > 5;
use guard;
create table person (id int primary key, name varchar(40), email varchar(80), note text, secret int, born date, pay decimal(10,2), kind enum('a','b'), raw varbinary(9), extra json);
create table Salary (person_id int primary key, amount int);
create table faint (id int primary key, ghost int invisible, name varchar(9));
create table parted (id int primary key, email varchar(20)) partition by range (id) (partition p0 values less than (10), partition p1 values less than maxvalue);
create table past (id int primary key, email varchar(20)) with system versioning;
insert into person values (1, 'Ada', 'secret1@hidden.example', 'n1', 41, '1815-12-10', 10.5, 'a', 'r', '{"e": "secret1"}'), (2, 'Bob', 'b@x', 'n2', 42, null, 20.5, 'b', null, null);
insert into Salary values (1, 1000);
insert into faint (id, ghost, name) values (1, 5, 'x');
insert into parted values (1, 'secret1'), (20, 'secret20');
insert into past values (1, 'secret-old');
update past set email = 'secret-new';
create view contact as select id, name, email, note from person;
create view wide as select * from person;
create view across as select p.name, h.gold from person p join other.hoard h on h.id = p.id;
create view mixed (nr, what) as select id, concat(name, ':', email) from person union all select person_id, 'x' from Salary;
create view nested as with c as (select id, email as mail from contact) select c.id, c.mail, row_number() over (order by c.id) as n from c;
create function writer() returns int begin insert into Salary values (99, 1); return 1; end;
create function weigh(x text) returns int deterministic return 1;
create function squared(x int) returns int deterministic return x * x;
create function regexp_like(a text, b text) returns int begin insert into Salary values (98, 1); return 1; end;
create user limited@'%' identified by 'p@ss:w/rd é';
grant select on guard.* to limited@'%';
grant select on other.rich to limited@'%';
create user viewer@'%' identified by 'p@ss:w/rd é';
grant select, show view on guard.* to viewer@'%';
`;

let server: MariaDb;
let connection: Connection;
before(async () => {
  if (absence !== undefined) return;
  server = await startMariaDb();
  prepareServer(server, "guard");
  server.run(setup.replaceAll(/(create function [\s\S]*?end);/g, "delimiter $\n$1$\ndelimiter ;"));
  connection = await open();
});
after(async () => {
  await connection?.[Symbol.asyncDispose]();
  await server?.stop();
});

const open = (user = "tide", readOnly = true, database = "guard") =>
  connect(mysqlTarget(server, database, user), { signal: never, readOnly });

async function analysis(sql: string, on = connection): Promise<Analysis> {
  const [statement, ...others] = await on.analyze(sql);
  assert.ok(statement?.analysis !== undefined && others.length === 0);
  return statement.analysis;
}

const reached = ({ columns }: Analysis): string[] => columns.map(({ schema, table, column }) => `${schema}.${table}.${column}`).sort();

async function rows(sql: string, restrictions: readonly RelationRestriction[] = [], on = connection): Promise<Value[][]> {
  await using stream = await on.query(sql, [], { signal: never, batchSize: 100, restrictions });
  const found: Value[][] = [];
  for await (const { length, columns } of stream)
    for (let row = 0; row < length; row++) found.push(columns.map((column) => column[row] ?? null));
  return found;
}

const restrict = (name: string, parts: Partial<RelationRestriction>, schema = "guard"): RelationRestriction => ({
  schema,
  name,
  hidden: [],
  masks: [],
  where: [],
  values: {},
  ...parts,
});
const masked = restrict("person", { masks: [{ column: "email", form: "redact" }] });

async function refusedAs(working: Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await rejection(working);
  assert.match(`${diagnose(error)?.message} ${diagnose(error)?.hint}`, pattern);
}

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
    assert.deepEqual(reached(await analysis("select mail from nested")), ["guard.person.email", "guard.person.id"]);
  });

  it("tables in the case they were made in, as the server does", async () => {
    assert.deepEqual(reached(await analysis("select AMOUNT from Salary")), ["guard.Salary.amount"]);
    await refusedAs(connection.analyze("select amount from salary"), /"salary" does not exist/);
    await refusedAs(connection.analyze("select P.name from person p"), /"name" does not exist/);
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
      assert.equal(diagnose(await rejection(connection.analyze(`select ${call}`)))?.code, "POLICY_DENIED");
    assert.deepEqual(await untrusted("select upper (name) from person"), []);
  });

  it("a stored function that somebody vouches for runs where nothing can be written", async () => {
    const [statement] = await connection.analyze("select squared(3)");
    assert.equal(statement?.kind, "read");
    assert.deepEqual(await rows("select squared(3)"), [[9]]);
    const error = await rejection(rows("select writer()"));
    assert.equal(diagnose(error)?.code, "POLICY_DENIED");
    assert.deepEqual(await rows("select count(*) from Salary"), [[1]]);
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
    server.run("create or replace view guard.shifty as select id, note as what from guard.person");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.deepEqual(reached(await analysis("select what from shifty", writer)), ["guard.person.note"]);
    await rows("drop view shifty", [], writer);
    await refusedAs(writer.analyze("select what from shifty"), /does not exist/);
  });
});

describe("mysql analyzer restricts", { skip: absence }, () => {
  it("every type in its own way", async () => {
    const all = (form: "redact" | "null" | "hash" | "partial") =>
      restrict("person", {
        masks: ["name", "email", "note", "secret", "born", "pay", "kind", "raw", "extra"].map((column) => ({ column, form })),
        salt: "s",
      });
    assert.deepEqual((await rows("select * from person where id = 1", [all("redact")]))[0], [
      1,
      "***",
      "***",
      "***",
      null,
      null,
      null,
      "***",
      null,
      "***",
    ]);
    assert.deepEqual(new Set((await rows("select * from person", [all("null")]))[0]?.slice(1)), new Set([null]));
    assert.deepEqual((await rows("select name, email, secret from person where id = 1", [all("partial")]))[0], ["***", "s***", null]);
    const [hashes = []] = await rows("select name, secret, born, raw from person where id = 1", [all("hash")]);
    for (const hash of hashes) assert.match(String(hash), /^[0-9a-f]{16}$/);
    assert.deepEqual(await rows("select left(sha2(concat('s', 'Ada'), 256), 16)"), [[hashes[0] ?? null]]);
  });

  it("masks that keep a column's type", async () => {
    await using stream = await connection.query("select secret, born, pay from person", [], {
      signal: never,
      batchSize: 10,
      restrictions: [restrict("person", { masks: ["secret", "born", "pay"].map((column) => ({ column, form: "null" as const })) })],
    });
    assert.deepEqual(
      stream.columns.map(({ type }) => type),
      ["int", "date", "decimal"],
    );
    assert.ok(stream.columns.every(({ origin }) => origin === undefined));
  });

  it("hidden columns: gone from a star, null in a view", async () => {
    const hidden = [restrict("person", { hidden: ["email", "secret"] })];
    assert.equal((await rows("select * from person", hidden))[0]?.length, 8);
    assert.deepEqual(await rows("select name, email from contact where id = 1", hidden), [["Ada", null]]);
    assert.deepEqual((await rows("select * from wide where id = 1", hidden))[0]?.slice(1, 5), ["Ada", null, "n1", null]);
    await refusedAs(rows("select email from person", hidden), /email/);
  });

  it("tables under partitions, history, hints, schemas and joins", async () => {
    const both = [
      restrict("parted", { masks: [{ column: "email", form: "redact" }] }),
      restrict("past", { masks: [{ column: "email", form: "redact" }] }),
    ];
    assert.deepEqual(await rows("select id, email from parted partition (p1)", both), [[20, "***"]]);
    assert.deepEqual(await rows("select q.email from parted partition (p0, p1) as q force index (primary) where q.id = 1", both), [
      ["***"],
    ]);
    assert.deepEqual(await rows("select email from past for system_time all", both), [["***"], ["***"]]);
    assert.deepEqual(
      await rows("select guard.person.email, guard.person.* from guard.person where guard.person.id = 1", [masked]).then((all) =>
        all[0]?.slice(0, 2),
      ),
      ["***", 1],
    );
    assert.deepEqual(await rows("select p.email, o.pin from person p join other.person o on o.id = p.id", [masked]), [["***", "otherpin"]]);
    assert.deepEqual(
      await rows("select pin from other.person", [restrict("person", { masks: [{ column: "pin", form: "redact" }] }, "other")]),
      [["***"]],
    );
  });

  it("invisible columns as before", async () => {
    const filtered = [restrict("faint", { where: ["1 = 1"] })];
    assert.deepEqual(await rows("select * from faint", filtered), [[1, "x"]]);
    assert.deepEqual(await rows("select ghost from faint", filtered), [[5]]);
  });

  it("rows by values that are no SQL", async () => {
    const by = (value: Value) => [restrict("person", { where: ["name = :name or ':name' = name"], values: { name: value } })];
    assert.deepEqual(await rows("select id from person", by("Ada")), [[1]]);
    for (const value of ["' or '1'='1", "\\' or 1=1 -- ", "x' /*! or 1 */", "\\", "'", null])
      assert.deepEqual(await rows("select id from person", by(value)), []);
    assert.deepEqual(await rows("select id from person", [restrict("person", { where: ["id = :id"], values: { id: 2n } })]), [[2]]);
  });

  it("what a write reads, and no write of what is restricted", async () => {
    await using writer = await open("tide", false);
    await rows("create table copied (id int, email varchar(80))", [], writer);
    await rows("insert into copied select id, email from person", [masked], writer);
    assert.deepEqual(await rows("select distinct email from copied"), [["***"]]);
    await rows("update copied set email = (select max(email) from person) where id in (select id from person)", [masked], writer);
    await rows("delete from copied where email = (select email from person where id = 1)", [masked], writer);
    assert.deepEqual(await rows("select count(*) from copied"), [[0]]);
    await refusedAs(rows("update person set name = email", [masked], writer), /restricted/);
    await refusedAs(rows("delete from contact", [masked], writer), /restricted/);
    await rows("drop table copied", [], writer);
  });

  it("transactions, plans and texts for export too", async () => {
    await using transaction = await connection.begin?.({ signal: never, readOnly: true });
    const stream = await transaction?.query("select email from person", [], { signal: never, batchSize: 9, restrictions: [masked] });
    for await (const { columns } of stream ?? []) assert.deepEqual([...(columns[0] as Value[])], ["***", "***"]);
    await transaction?.rollback();
    const plan = await connection.explain("select email from person where email = 'secret1@hidden.example'", [], {
      signal: never,
      batchSize: 9,
      analyze: false,
      restrictions: [masked],
    });
    assert.ok(!plan.includes("secret"));
    const csv = await connection.copyOut?.("select email from person", [], { signal: never, batchSize: 9, restrictions: [masked] });
    let text = "";
    for await (const bytes of csv ?? []) text += Buffer.from(bytes).toString();
    assert.equal(text.trim(), "***\n***");
  });

  it("views by their own names, over what is restricted and what is not", async () => {
    const own = restrict("contact", { masks: [{ column: "name", form: "redact" }], hidden: ["note"], where: ["id = 1"] });
    assert.deepEqual(await rows("select * from contact", [own]), [[1, "***", "secret1@hidden.example"]]);
    assert.deepEqual(await rows("select * from contact", [own, masked]), [[1, "***", "***"]]);
    assert.deepEqual(await rows("select mail from nested order by mail", [own]), [["secret1@hidden.example"]]);
  });

  it("nothing of what a user sees through a view only", async () => {
    await using viewer = await open("viewer");
    const hoard = restrict("hoard", { masks: [{ column: "gold", form: "redact" }] }, "other");
    await refusedAs(rows("select gold from across", [hoard], viewer), /"hoard"/);
  });

  it("the plan that is estimated", async () => {
    const options = { signal: never, batchSize: 9, restrictions: [masked] };
    const one = await connection.cost?.("select email from person where id = ?", [1], options);
    const all = await connection.cost?.("select a.email from person a, person b, person c", [], options);
    assert.ok(one !== undefined && all !== undefined && one >= 1 && all > one);
  });

  it("nothing by a policy's own text that is no single expression", async () => {
    for (const sql of ["name) from person -- ", "name, email", "1 /*! + 1 */", "select 1", "@x := 1", ""]) {
      const form = [restrict("person", { masks: [{ column: "email", form: { sql } }] })];
      assert.equal(diagnose(await rejection(rows("select email from person", form)))?.code, "POLICY_DENIED", sql);
    }
  });

  it("parameters by name and by place, around what is put in", async () => {
    const options = { signal: never, batchSize: 9, restrictions: [masked] };
    for (const [sql, params] of [
      ["select name, email from person where id = ? and name <> ?", [1, "x"]],
      ["select name, email from person where id = :id and name <> :other", { id: 1, other: "x" }],
    ] as const) {
      await using stream = await connection.query(sql, params, options);
      for await (const { columns } of stream) assert.deepEqual([columns[0]?.[0], columns[1]?.[0]], ["Ada", "***"]);
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CatalogObject } from "../../core/contract/catalog.ts";
import type { Connection, Params } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { answer, cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const absence = mariaDbAbsence();

let server: MariaDb;
before(async () => {
  if (absence !== undefined) return;
  // A server set up against everything this driver relies on.
  server = await startMariaDb([
    "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT",
    "--default-time-zone=+05:30",
    "--max-allowed-packet=64M",
    "--init-connect=set autocommit = 0",
  ]);
  prepareServer(server, "quirks");
});
after(() => server?.stop());

const open = (readOnly = true, database = "quirks", user = "tide"): Promise<Connection> =>
  connect(mysqlTarget(server, database, user), { signal: never, readOnly });

async function diagnosis(failing: Promise<unknown>) {
  const error = await rejection(failing);
  return diagnose(error) ?? assert.fail(String(error));
}

async function made(...statements: readonly string[]): Promise<void> {
  await using connection = await open(false);
  for (const sql of statements) await rowsOf(connection, sql);
}

describe("mysql reads", { skip: absence }, () => {
  it("SQL under one sql_mode, whatever the server's is", async () => {
    await using connection = await open();
    assert.deepEqual(await rowsOf(connection, `select "text", 'back\\\\slash', 'it\\'s', 'a' || 'b'`), [
      ["text", "back\\slash", "it's", "ab"],
    ]);
    assert.equal(await cellOf(connection, "select @@time_zone"), "+00:00");
  });

  it("dates and times as they stand, in UTC where they are instants", async () => {
    await made("create table moment (d date, dt datetime(3), ts timestamp(6) null, t time(2))");
    server.run(
      "set time_zone = '+00:00'; insert into quirks.moment values ('2024-03-31', '2024-03-31 02:30:00.5', '2024-03-31 02:30:00.000001', '-00:00:00.50')",
    );
    await using connection = await open();
    const expected = ["2024-03-31", "2024-03-31 02:30:00.500", "2024-03-31 02:30:00.000001", "-00:00:00.50"];
    assert.deepEqual(await rowsOf(connection, "select * from moment"), [expected]);
    assert.deepEqual(await rowsOf(connection, "select cast(d as char), cast(dt as char), cast(ts as char), cast(t as char) from moment"), [
      expected,
    ]);
  });

  it("enum and set as text, and expressions with types of their own", async () => {
    await made(
      "create table choice (e enum('a,b', 'c') , s set('x', 'y'), key (e))",
      "insert into choice values ('a,b', 'x,y'), ('c', '')",
    );
    await using connection = await open();
    const { columns, rows } = await answer(connection, "select e, s, null as n, count(*) over () as c, e + 0 as f, 1.50 as d from choice");
    assert.deepEqual(
      columns.map(({ type, nativeType }) => [type, nativeType]),
      [
        ["text", "enum"],
        ["text", "set"],
        ["unknown", "null"],
        ["bigint", "bigint"],
        ["int", "int"],
        ["decimal", "decimal(3,2)"],
      ],
    );
    assert.deepEqual(rows, [
      ["a,b", "x,y", null, 2, 1, "1.50"],
      ["c", "", null, 2, 2, "1.50"],
    ]);
    assert.deepEqual(columns[0]?.origin, { schema: "quirks", table: "choice", column: "e" });
    assert.equal(columns[4]?.origin, undefined);
  });

  it("values larger than one packet, as rows and as CSV", async () => {
    await using connection = await open();
    for (const size of [250, 251, 65_535, 65_536, 16_777_205, 16_777_215, 20_000_000, 33_554_430]) {
      const sql = `select repeat('x', ${size}) as a, ${size} as b union all select 'end', 0`;
      const { rows } = await answer(connection, sql);
      assert.deepEqual([String(rows[0]?.[0]).length, rows[0]?.[1], rows[1]], [size, size, ["end", 0]]);
    }
    assert.ok(connection.copyOut);
    await using stream = await connection.copyOut("select repeat('y', 20000000)", [], { signal: never, batchSize: 1 });
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    assert.equal(bytes, 20_000_001);
  });

  it("parameters of any size up to what the server takes", async () => {
    await using connection = await open();
    const length = async (value: string | Uint8Array) => cellOf(connection, "select length(?)", [value]);
    assert.equal(await length("z".repeat(20_000_000)), 20_000_000);
    assert.equal(await length(new Uint8Array(16_777_215)), 16_777_215);
    assert.deepEqual((await diagnosis(length("z".repeat(70_000_000)))).code, "LIMIT_EXCEEDED");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("integers, booleans and nothing of what it cannot keep as parameters", async () => {
    await using connection = await open();
    const read = (...params: Params & readonly unknown[]) => rowsOf(connection, `select ${params.map(() => "?").join()}`, params as Params);
    assert.deepEqual(await read(1, -1n, 2n ** 64n - 1n, true, 0.5), [[1, -1, 18446744073709551615n, 1, 0.5]]);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n, -(2n ** 63n) - 1n, ["list"], "\ud800"]) {
      assert.equal((await diagnosis(read(wrong))).code, "INPUT_INVALID", String(wrong));
    }
  });

  it("a table of a thousand columns and a result of a thousand parameters", async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `c${index}`);
    await made(`create table wide (${names.map((name) => `${name} tinyint`).join()})`, `insert into wide (c0, c999) values (1, 2)`);
    await using connection = await open();
    const [row] = await rowsOf(connection, "select * from wide");
    assert.deepEqual([row?.length, row?.[0], row?.[1], row?.[999]], [1000, 1, null, 2]);
    const nulls = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? null : index));
    assert.deepEqual(await rowsOf(connection, `select ${nulls.map(() => "?").join()}`, nulls), [nulls]);
  });

  it("geometries as WKB, with their reference system where they have one", async () => {
    await using connection = await open();
    const hex = async (sql: string) => Buffer.from((await cellOf(connection, sql)) as Uint8Array).toString("hex");
    assert.equal(await hex("select point(1, -2)"), "0101000000000000000000f03f00000000000000c0");
    assert.equal(await hex("select st_geomfromtext('POINT(1 -2)', 4326)"), "0101000020e6100000000000000000f03f00000000000000c0");
  });

  it("names of its own choice between named parameters, and finds errors after them", async () => {
    await using connection = await open();
    assert.deepEqual(await rowsOf(connection, "select :a, ':a', `x`.b from (select :b as b) as x", { a: 1, b: "two" }), [[1, ":a", "two"]]);
    const sql = "select :wanted from from x";
    assert.equal((await diagnosis(rowsOf(connection, sql, { wanted: 1 }))).position, sql.lastIndexOf("from"));
  });

  it("a table that changes between two runs of one statement", async () => {
    await made("create table shape (a int)", "insert into shape values (1)");
    await using connection = await open();
    assert.deepEqual(await rowsOf(connection, "select * from shape"), [[1]]);
    await made("alter table shape add b varchar(5) default 'b'");
    assert.deepEqual(await rowsOf(connection, "select * from shape"), [[1, "b"]]);
  });
});

describe("mysql writes", { skip: absence }, () => {
  it("at once, though the server would wait for a commit", async () => {
    await made("create table kept (id int)", "insert into kept values (1)");
    assert.equal(server.run("select count(*) from quirks.kept").trim(), "1");
  });

  it("says how many rows an update changed, and gives rows that a write returns", async () => {
    await made("create table counted (id int primary key, n int)", "insert into counted values (1, 1), (2, 2)");
    await using connection = await open(false);
    assert.equal((await answer(connection, "update counted set n = 2")).affectedRows, 1);
    assert.deepEqual(await rowsOf(connection, "insert into counted values (3, 3) returning id, n"), [[3, 3]]);
  });

  it("refuses a second statement by the server itself, past every check of ours", async () => {
    await using connection = await open(false);
    const { code } = await diagnosis(rowsOf(connection, "begin not atomic select 1; select 2; end"));
    assert.equal(code, "SQL_INVALID");
  });

  it("says what the user may not do", async () => {
    server.run("create user reader@'%' identified by 'p@ss:w/rd é'; grant select on quirks.* to reader@'%'");
    await using connection = await open(false, "quirks", "reader");
    assert.equal((await diagnosis(rowsOf(connection, "create table no (id int)"))).code, "FORBIDDEN");
    await using limited = await open(true, "quirks", "reader");
    const proof = await limited.proveReadOnly(never);
    assert.ok(proof.attempts.every(({ refused }) => refused));
    assert.notEqual(proof.state, "UNVERIFIED");
  });

  it("tells no value of a row in an error", async () => {
    await made("create table secret (a int unique, b varchar(3))", "insert into secret values (4711, 'x')");
    await using connection = await open(false);
    await rowsOf(connection, "set sql_mode = 'STRICT_ALL_TABLES'");
    for (const sql of ["insert into secret values (4711, 'y')", "insert into secret values ('k4711', 'y')"]) {
      const { code, message } = await diagnosis(rowsOf(connection, sql));
      assert.equal(code, "CONSTRAINT_VIOLATED");
      assert.doesNotMatch(message, /4711/);
    }
  });
});

describe("mysql's catalog", { skip: absence }, () => {
  it("knows generated and invisible columns, comments, checks, sequences, routines and definitions", async () => {
    await made(
      "create table parent (a int, b int, primary key (b, a)) comment 'the ''parent'''",
      `create table child (
        id bigint unsigned auto_increment primary key comment 'its number', x int not null, y int, hidden int invisible default 7,
        twice int as (x * 2) virtual, stored varchar(20) as (concat(x, ',')) stored, j json, e enum('a','b') default 'a',
        at timestamp default current_timestamp, small tinyint(1) not null default 0,
        constraint positive check (x > 0), constraint leads foreign key (y, x) references parent (b, a), unique key pair (x, y))`,
      "create sequence numbers",
      "create function plus_one(n int) returns int deterministic return n + 1",
      "create view shown as select id, x from child",
    );
    await using connection = await open();
    const all = await connection.catalog.read({ detail: "full", signal: never });
    const find = (name: string): CatalogObject => all.find((object) => object.name === name) ?? assert.fail(name);
    const child = find("child");
    assert.deepEqual(
      child.columns?.map(({ name, nativeType, nullable, default: initial, generated }) => [name, nativeType, nullable, initial, generated]),
      [
        ["id", "bigint unsigned", false, "auto_increment", undefined],
        ["x", "int", false, undefined, undefined],
        ["y", "int", true, undefined, undefined],
        ["hidden", "int", true, "7", undefined],
        ["twice", "int", true, "`x` * 2", true],
        ["stored", "varchar(20)", true, "concat(`x`,',')", true],
        ["j", "json", true, undefined, undefined],
        ["e", "enum('a','b')", true, "'a'", undefined],
        ["at", "timestamp", true, "current_timestamp()", undefined],
        ["small", "tinyint(1)", false, "0", undefined],
      ],
    );
    assert.equal(child.columns?.[0]?.comment, "its number");
    assert.deepEqual(child.foreignKeys, [{ columns: ["y", "x"], references: { schema: "quirks", name: "parent", columns: ["b", "a"] } }]);
    assert.deepEqual(
      child.indexes?.find(({ name }) => name === "pair"),
      { name: "pair", unique: true, columns: ["x", "y"] },
    );
    assert.ok(child.checks?.includes("`x` > 0"));
    assert.deepEqual([find("parent").comment, find("parent").primaryKey], ["the 'parent'", ["b", "a"]]);
    assert.equal(find("numbers").kind, "sequence");
    assert.deepEqual([find("numbers").columns, find("numbers").estimatedRows], [undefined, undefined]);
    const plusOne = find("plus_one");
    assert.deepEqual([plusOne.kind, plusOne.signature], ["routine", "(n int) returns int"]);
    assert.equal(plusOne.definition, "create function `plus_one` (`n` int) returns int deterministic\nreturn n + 1");
    assert.ok((child.bytes ?? 0) > 0);
    assert.ok(!child.checks?.some((check) => /json_valid/.test(check)), "the type says it already");
    assert.match(find("shown").definition ?? "", /^create view `shown` as select/);
    const [only] = await connection.catalog.read({ detail: "full", object: { schema: "quirks", name: "child" }, signal: never });
    assert.match(only?.definition ?? "", /^CREATE TABLE `child`/);
    const [sequence] = await connection.catalog.read({ detail: "full", object: { schema: "quirks", name: "numbers" }, signal: never });
    assert.match(sequence?.definition ?? "", /^CREATE SEQUENCE `numbers`/);
  });

  it("tells procedures from functions of the same name, and shows partitions in the definition", async () => {
    server.run(`create database routines; use routines;
      create procedure twin(a int, out b varchar(20), inout \`c d\` decimal(10,2)) reads sql data sql security invoker comment 'it''s' select 1;
      create function twin() returns varchar(20) return 'x';
      create procedure bare() select 2;
      create table cut (id int primary key) partition by range (id) (partition low values less than (10), partition rest values less than maxvalue)`);
    await using connection = await open(true, "routines");
    const read = async (name: string) => connection.catalog.read({ detail: "full", object: { name }, signal: never });
    const twins = await read("twin");
    assert.deepEqual(
      new Set(twins.map(({ signature }) => signature)),
      new Set(["(a int, out b varchar(20), inout `c d` decimal(10,2))", "() returns varchar(20)"]),
    );
    assert.ok(
      twins.some(({ definition }) =>
        /^create procedure `twin` \(`a` int, out `b` varchar\(20\), inout `c d` decimal\(10,2\)\) reads sql data sql security invoker comment 'it\\'s'\nselect 1$/.test(
          definition ?? "",
        ),
      ),
      JSON.stringify(twins),
    );
    assert.equal((await read("bare"))[0]?.signature, "()");
    assert.match((await read("cut"))[0]?.definition ?? "", /PARTITION `low` VALUES LESS THAN \(10\)/);
    const names = await connection.catalog.read({ detail: "names", signal: never });
    assert.ok(names.every(({ signature, definition }) => signature === undefined && definition === undefined));
    server.run("drop database routines");
  });

  it("shows one database where one is named, and all but the server's own where none is", async () => {
    server.run("create database other; create table other.it (id int)");
    await using one = await open();
    const schemas = async (connection: Connection) =>
      new Set((await connection.catalog.read({ detail: "names", signal: never })).map(({ schema }) => schema));
    assert.deepEqual(await schemas(one), new Set(["quirks"]));
    await using all = await open(true, "");
    assert.deepEqual(await schemas(all), new Set(["other", "quirks"]));
    const [found] = await one.catalog.read({ detail: "columns", object: { schema: "other", name: "it" }, signal: never });
    assert.deepEqual(
      found?.columns?.map(({ name }) => name),
      ["id"],
    );
  });
});

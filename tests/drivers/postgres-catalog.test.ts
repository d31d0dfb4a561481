import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CatalogDetail, CatalogObject, ObjectName } from "../../core/contract/catalog.ts";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { never } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();

const schema = `
  create schema side;
  create type mood as enum ('last', 'calm', 'it''s "odd"', 'größer');
  create type pair as (a int, b text[]);
  create domain positive as numeric(10,2) default 1 not null constraint above check (value > 0);
  create domain listed as int[];
  create type span as range (subtype = float8);
  comment on type mood is 'How it feels';
  create sequence counter as int start 5 increment by -1 minvalue -9 maxvalue 9 cycle;
  create table serial_one (id serial primary key, other int generated always as identity);
  create function add(a int, b int default 2) returns int language sql immutable as 'select a + b';
  create function add(a text) returns text language plpgsql as $f$begin
    return a || '$$';
  end$f$;
  comment on function add(int, int) is 'Adds';
  create procedure act(inout x int) language plpgsql as 'begin x := 1; end';
  create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
  create function side.add() returns table (x int, y text) language sql as 'select 1, ''a''';
  create table guarded (x int); alter table guarded enable row level security;
  create table measured (at date not null, value float8 default 0, n int not null default 7, twice float8 generated always as (value * 2) stored, primary key (at, n)) partition by range (at);
  create table measured_2024 partition of measured for values from ('2024-01-01') to ('2025-01-01');
  create table measured_rest partition of measured default partition by list (n);
  create table measured_zero partition of measured_rest for values in (7);
  insert into measured (at) select date '2024-01-01' + i from generate_series(0, 99) i;
  create view shown as select id from serial_one;
  create materialized view "kept ""odd""" as select at from measured;
  create extension file_fdw; create extension citext schema side;
  create server files foreign data wrapper file_fdw;
  create foreign table outside (line text) server files options (filename '/dev/null');
  analyze;
`;

describe("driver postgres, the catalog", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  let connection: Connection;
  before(async () => {
    server = await startPostgres(bin as string);
    server.psql(schema);
    server.psql("alter type mood add value 'first' before 'last'; alter type mood rename value 'last' to 'second'");
    connection = await driver.connect(server.target("postgres"), { signal: never, readOnly: true });
  });
  after(async () => {
    await connection?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const read = (detail: CatalogDetail, object?: ObjectName) =>
    connection.catalog.read({ detail, signal: never, ...(object && { object }) });
  const one = async (name: string, inSchema = "public"): Promise<CatalogObject> => {
    const [found, ...others] = await read("full", { schema: inSchema, name });
    assert.equal(others.length, 0, name);
    return found ?? assert.fail(name);
  };

  it("lists every kind of object once, in order, and nothing that an extension or the server brought", async () => {
    const objects = await read("names");
    assert.deepEqual(
      objects.map(({ kind, schema, name }) => `${kind} ${schema}.${name}`),
      [
        "routine public.act",
        "routine public.add",
        "routine public.add",
        "sequence public.counter",
        "extension public.file_fdw",
        "table public.guarded",
        'materialized view public.kept "odd"',
        "type public.listed",
        "table public.measured",
        "table public.measured_2024",
        "table public.measured_rest",
        "table public.measured_zero",
        "type public.mood",
        "table public.outside",
        "type public.pair",
        "type public.positive",
        "table public.serial_one",
        "sequence public.serial_one_id_seq",
        "view public.shown",
        "type public.span",
        "routine public.total",
        "routine side.add",
        "extension side.citext",
      ],
    );
    assert.ok(objects.every(({ columns, definition, bytes }) => columns === undefined && definition === undefined && bytes === undefined));
  });

  it("tells how routines are called, and their text in full", async () => {
    const overloads = await read("full", { name: "add" });
    assert.deepEqual(
      overloads.map(({ signature }) => signature),
      ["(a integer, b integer DEFAULT 2) returns integer", "(a text) returns text"],
    );
    assert.equal(overloads[0]?.comment, "Adds");
    assert.match(overloads[1]?.definition ?? "", /^CREATE OR REPLACE FUNCTION public\.add\(a text\)[\s\S]*return a \|\| '\$\$';[\s\S]*end/);
    assert.equal((await one("add", "side")).signature, "() returns TABLE(x integer, y text)");
    assert.match((await one("act")).definition ?? "", /CREATE OR REPLACE PROCEDURE/);
    const total = await one("total");
    assert.deepEqual([total.signature, total.definition], ["(integer) returns integer", undefined]);
  });

  it("tells the values of an enumeration in their order, and what other types are made of", async () => {
    const mood = await one("mood");
    assert.deepEqual(mood.values, ["first", "second", "calm", 'it\'s "odd"', "größer"]);
    assert.equal(mood.comment, "How it feels");
    const pair = await one("pair");
    assert.deepEqual(
      pair.columns?.map(({ name, type, nativeType }) => [name, type, nativeType]),
      [
        ["a", "int", "integer"],
        ["b", "list", "text[]"],
      ],
    );
    const positive = await one("positive");
    assert.deepEqual(positive.columns, [{ name: "value", type: "decimal", nativeType: "numeric(10,2)", nullable: false, default: "1" }]);
    assert.deepEqual(positive.checks, ["CHECK ((VALUE > (0)::numeric))"]);
    assert.equal((await one("listed")).columns?.[0]?.type, "list");
    assert.match((await one("span")).definition ?? "", /RANGE \(SUBTYPE = double precision\)/);
  });

  it("tells what is a partition of what, and counts the rows of all of them", async () => {
    const measured = await one("measured");
    assert.deepEqual([measured.estimatedRows, measured.partitionOf], [100, undefined]);
    assert.deepEqual((await one("measured_2024")).partitionOf, { schema: "public", name: "measured" });
    assert.deepEqual((await one("measured_zero")).partitionOf, { schema: "public", name: "measured_rest" });
  });

  it("tells versions, row security, sizes and foreign tables", async () => {
    assert.match((await one("file_fdw")).version ?? "", /^\d/);
    assert.equal((await one("guarded")).rowSecurity, true);
    assert.equal((await one("serial_one")).rowSecurity, undefined);
    const exact = Number(server.psql("select pg_total_relation_size('measured_2024')"));
    assert.equal((await one("measured_2024")).bytes, exact);
    const listed = (await read("full")).find(({ name }) => name === "measured_2024");
    assert.ok((listed?.bytes ?? 0) > 0 && (listed?.bytes ?? 0) <= exact);
    const outside = await one("outside");
    assert.deepEqual(
      [outside.kind, outside.columns?.[0]?.name, outside.bytes, outside.estimatedRows],
      ["table", "line", undefined, undefined],
    );
  });

  it("keeps statements that make the object again", async () => {
    const again = await read("full");
    const definition = (kind: string, name: string) =>
      again.find((object) => object.kind === kind && object.name === name)?.definition ?? assert.fail(name);
    server.psql("create database copied");
    const order: readonly (readonly [string, string])[] = [
      ["type", "mood"],
      ["type", "pair"],
      ["type", "positive"],
      ["type", "span"],
      ["sequence", "counter"],
      ["routine", "act"],
      ["table", "measured"],
      ["table", "measured_2024"],
      ["table", "measured_rest"],
      ["table", "measured_zero"],
      ["materialized view", 'kept "odd"'],
      ["extension", "file_fdw"],
    ];
    for (const [kind, name] of order) server.psql(definition(kind, name), "copied");
    await using copied = await driver.connect(server.target("copied"), { signal: never, readOnly: true });
    const made = await copied.catalog.read({ detail: "full", signal: never });
    for (const [kind, name] of order) {
      const before = again.find((object) => object.kind === kind && object.name === name);
      const after = made.find((object) => object.kind === kind && object.name === name);
      const same = ({ definition, columns, values, checks, primaryKey, indexes }: CatalogObject) => ({
        definition,
        columns,
        values,
        checks,
        primaryKey,
        indexes,
      });
      assert.deepEqual(after && same(after), before && same(before), name);
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { answer, cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, majorOf, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();

const schema = `
  create schema side;
  create type mood as enum ('calm', 'it''s "odd"');
  create type pair as (a int, b text);
  create domain positive as int check (value > 0);
  create table parent (id int generated always as identity primary key, kind mood, size positive, twice int generated always as (1 + 1) stored, two pair, note text, constraint small check (size < 100));
  comment on table parent is 'Where it begins';
  comment on column parent.kind is 'How it feels';
  create unique index parent_lower on parent (lower(note), id) where size > 1;
  create table side.parent (a int, b int, primary key (b, a));
  create table child (x int, y int, foreign key (x, y) references side.parent (b, a));
  create table measured (at date not null, value float8) partition by range (at);
  create table measured_2024 partition of measured for values from ('2024-01-01') to ('2025-01-01');
  create materialized view seen as select 1 as one;
  insert into parent (kind, size) values ('calm', 5);
  create sequence counter;
  create function hides_object() returns oid language sql as 'select lo_create(0)';
  create function hides_setting() returns text language sql as $$select set_config('TimeZone', 'Asia/Tokyo', false)$$;
  create function noisy() returns int language plpgsql as $$begin raise notice 'canary'; return 1; end$$;
`;

describe("driver postgres, on its own", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(bin as string);
    server.psql(schema);
  });
  after(() => server?.stop());
  const open = (access: "read" | "write" = "read"): Promise<Connection> =>
    driver.connect(server.target("postgres"), { signal: never, readOnly: access === "read" });
  const object = async (schema: string, name: string) => {
    await using connection = await open();
    const [found] = await connection.catalog.read({ detail: "full", object: { schema, name }, signal: never });
    return found ?? assert.fail(name);
  };

  it("says that a superuser's read-only session is limited by the role, not by the transaction", async () => {
    await using connection = await open();
    const { state, attempts } = await connection.proveReadOnly(never);
    assert.equal(state, "role-limited");
    assert.ok(attempts.every(({ refused }) => refused));
    assert.ok(attempts.some(({ attempt }) => /sequence/.test(attempt)));
    assert.equal(server.psql("select is_called from counter"), "f");
  });

  it("undoes what a function of the database hides from the gate", async () => {
    await using connection = await open();
    const hiding = rowsOf(connection, "select hides_object()").then(
      () => undefined,
      (error) => driver.diagnose(error)?.code,
    );
    // From 16 on the server refuses it by itself.
    assert.equal(await hiding, majorOf(bin as string) < 16 ? undefined : "POLICY_DENIED");
    assert.equal(server.psql("select count(*) from pg_largeobject_metadata"), "0");
    assert.equal(await cellOf(connection, "select hides_setting()"), "Asia/Tokyo");
    assert.equal(await cellOf(connection, "show timezone"), "UTC");
  });

  it("carries nothing from one call to the next on a connection that writes", async () => {
    await using connection = await open("write");
    await rowsOf(connection, "set timezone = 'Asia/Tokyo'");
    assert.equal(await cellOf(connection, "show timezone"), "UTC");
    await rowsOf(connection, "create temp table kept (x int)");
    assert.equal(driver.diagnose(await rejection(rowsOf(connection, "select * from kept")))?.code, "SQL_INVALID");
    for (const sql of ["begin", "start transaction", "commit", "rollback", "savepoint a", "prepare transaction 'x'"]) {
      assert.equal(driver.diagnose(await rejection(rowsOf(connection, sql)))?.code, "UNSUPPORTED", sql);
    }
    await rowsOf(connection, "vacuum parent");
    await rowsOf(connection, "do $$ begin raise notice 'x'; end $$");
  });

  it("keeps a write whole: a caller who leaves undoes it, one who has read enough does not", async () => {
    await using connection = await open("write");
    const sql = "insert into side.parent select i, i from generate_series(1, 1000) as i returning a";
    const caller = new AbortController();
    const leaving = (async () => {
      for await (const _ of await connection.query(sql, [], { signal: caller.signal, batchSize: 10 })) caller.abort(new Error("gone"));
    })();
    assert.equal(await rejection(leaving), caller.signal.reason);
    assert.equal(await cellOf(connection, "select count(*) from side.parent"), 0);
    for await (const _ of await connection.query(sql, [], { signal: never, batchSize: 10 })) break;
    assert.equal(await cellOf(connection, "select count(*) from side.parent"), 1000);
    await rowsOf(connection, "delete from side.parent");
  });

  it("reports a constraint that is checked only when the write is kept", async () => {
    await using connection = await open("write");
    await rowsOf(connection, "create table late (id int primary key, up int references late deferrable initially deferred)");
    const failing = rowsOf(connection, "insert into late values (1, 2)");
    assert.equal(driver.diagnose(await rejection(failing))?.code, "CONSTRAINT_VIOLATED");
    assert.deepEqual(await rowsOf(connection, "select * from late"), []);
    await rowsOf(connection, "drop table late");
  });

  it("names the types and the origins of columns", async () => {
    await using connection = await open();
    const { columns, rows } = await answer(
      connection,
      "select kind as k, size, row(1, 'x')::pair, kind::text, id as a, id + 1, array[kind] from parent",
    );
    assert.deepEqual(rows, [["calm", 5, "(1,x)", "calm", 1, 2, ["calm"]]]);
    assert.deepEqual(
      columns.map(({ type, nativeType }) => `${type} ${nativeType}`),
      ["text mood", "int integer", "text pair", "text text", "int integer", "int integer", "list mood[]"],
    );
    const origins = columns.map(({ origin }) => origin && `${origin.schema}.${origin.table}.${origin.column}`);
    assert.deepEqual(origins, ["public.parent.kind", "public.parent.size", undefined, undefined, "public.parent.id", undefined, undefined]);
  });

  it("reads 1,600 columns", async () => {
    await using connection = await open();
    const { columns, rows } = await answer(connection, `select ${Array.from({ length: 1600 }, (_, i) => `${i} as c`).join(", ")}`);
    assert.deepEqual([columns.length, rows[0]?.[1599]], [1600, 1599]);
  });

  it("reads a row of many megabytes, by the row and by the copy", async () => {
    await using connection = await open();
    const sql = "select repeat('é', 20000000) as big";
    assert.equal(String(await cellOf(connection, sql)).length, 20_000_000);
    let bytes = 0;
    for await (const chunk of (await connection.copyOut?.(sql, [], { signal: never, batchSize: 1 })) ?? []) bytes += chunk.length;
    assert.equal(bytes, 40_000_001);
  });

  it("tells names with a colon from casts, slices and texts", async () => {
    await using connection = await open();
    const sql = 'select :a::int + 1, (array[1,2,3])[1:2], \':b\', $$:c$$, ":d" from (select 1 as ":d") x /* :e */ -- :f';
    assert.deepEqual(await rowsOf(connection, sql, { a: 4 }), [[5, [1, 2], ":b", ":c", 1]]);
    assert.deepEqual(
      (await connection.analyze("select * from parent where id = :id")).map(({ kind }) => kind),
      ["read"],
    );
  });

  it("points at an error in the caller's own text, whatever was numbered before it", async () => {
    await using connection = await open();
    const sql = "select '😀', :long_name::int, nope from parent";
    const diagnosis = driver.diagnose(await rejection(rowsOf(connection, sql, { long_name: 1 })));
    assert.equal(diagnosis?.position, sql.indexOf("nope"));
    assert.equal(diagnosis?.missing, "nope");
  });

  it("copies parameters of every kind out, without a text that holds them", async () => {
    await using connection = await open();
    const hostile = `x'); drop table item; --"\n\\`;
    const stream = await connection.copyOut?.(
      "select $1::text, $2::int + 1, $3::bytea, $4::text, $5::int[] = '{1,2}', '$1' -- $9\n;",
      [hostile, 41, new Uint8Array([0, 255]), null, [1, 2]],
      {
        signal: never,
        batchSize: 10,
      },
    );
    let text = "";
    for await (const chunk of stream ?? []) text += Buffer.from(chunk).toString();
    assert.equal(text, `"x'); drop table item; --""\n\\",42,AP8=,,true,$1\n`);
  });

  it("stops at statement_timeout when nobody else does", async () => {
    const target = server.target("postgres", { options: { statement_timeout: "50ms" } });
    await using connection = await driver.connect(target, { signal: never, readOnly: true });
    const failing = rowsOf(connection, "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a + b = 3");
    assert.equal(driver.diagnose(await rejection(failing))?.code, "TIMEOUT");
  });

  it("describes keys, checks, comments, generated columns and indexes as the server keeps them", async () => {
    const parent = await object("public", "parent");
    assert.equal(parent.comment, "Where it begins");
    assert.equal(parent.columns?.[1]?.comment, "How it feels");
    assert.deepEqual(parent.columns?.[2]?.type, "int");
    assert.equal(parent.columns?.[0]?.default, "generated always as identity");
    assert.equal(parent.columns?.[3]?.generated, true);
    assert.deepEqual(parent.checks, ["CHECK (((size)::integer < 100))"]);
    assert.deepEqual(parent.indexes?.[0], { name: "parent_lower", unique: true, columns: ["lower(note)", "id"] });
    const child = await object("public", "child");
    assert.deepEqual(child.foreignKeys, [{ columns: ["x", "y"], references: { schema: "side", name: "parent", columns: ["b", "a"] } }]);
    assert.deepEqual((await object("side", "parent")).primaryKey, ["b", "a"]);
  });

  it("describes partitions and materialised views", async () => {
    assert.match((await object("public", "measured")).definition ?? "", /RANGE \(at\)/);
    assert.match((await object("public", "measured_2024")).definition ?? "", /FROM \('2024-01-01'\)/);
    assert.equal((await object("public", "seen")).kind, "materialized view");
  });

  it("means the visible one of two tables with one name", async () => {
    await using connection = await open();
    const found = await connection.catalog.read({ detail: "names", object: { name: "parent" }, signal: never });
    assert.deepEqual(
      found.map(({ schema }) => schema),
      ["public"],
    );
  });
});

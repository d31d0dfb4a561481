import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import activate from "../../plugins/duckdb/plugin.ts";
import { tempFolder } from "../support/binary.ts";
import { writeApp, writer } from "../support/write-app.ts";

const [driver = assert.fail("the plugin has a driver")] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];

describe("writes on DuckDB, of which the engine shows no tree", () => {
  let app: Awaited<ReturnType<typeof writeApp>>;
  before(async () => {
    const file = join(tempFolder(), "shop.duckdb");
    const database = await DuckDBInstance.create(file);
    const connection = await database.connect();
    await connection.run("create table note (id integer primary key, body varchar); create table secret (pin varchar); create sequence s");
    await connection.run("insert into note values (1, 'a'), (2, 'b'); insert into secret values ('1234')");
    connection.closeSync();
    database.closeSync();
    app = await writeApp(driver, file, writer("", "[{ connection: shop, access: schema }, { table: secret, access: none }]"));
  });
  after(() => app.close());

  it("call no function that nobody reviewed, wherever it stands", async () => {
    const earlier = await app.query("select * from note order by id");
    for (const sql of [
      "insert into note select 9, sql from duckdb_tables()",
      "insert into note select 9, content from read_text('/etc/hostname')",
      "insert into note (id, body) select 9, (select any_value(name) from duckdb_settings())",
      "update note set body = current_setting('home_directory') where id = 1",
      "update note set id = 1, body = current_setting('threads') where id = 1",
      "update note set id = nextval('s') where id = 1",
      "update note set body = \"current_setting\"('threads') where id = 1",
      "update note set body = ('threads').current_setting() where id = 1",
      "delete from note using duckdb_tables() where id = 1",
      "delete from note where id = 1 returning 1, current_setting('threads') as materialized",
      "with t(a) as (select name from duckdb_settings()) insert into note select 9, a from t",
      "create table copy_of as select * from duckdb_tables()",
      "create macro peek(x) as current_setting(x)",
      "insert into note select 9, pin from secret",
    ])
      for (const more of [{}, { dry_run: true }]) await assert.rejects(app.ask(sql, more), { code: /POLICY_DENIED|NOT_FOUND/ }, sql);
    assert.equal(await app.query("select * from note order by id"), earlier);
  });

  it("run with the functions analysts use, lists of columns and types with a size", async () => {
    for (const sql of [
      "insert into note (id, body) values (3, upper('c')), (4, concat('d', cast(1 as decimal(10,2))))",
      "with t(a, b) as (select 5, 'e'), u (c) as materialized (values (1)) insert into note (id, body) select a, b from t, u",
      "insert into note select v.a, v.b from (values (6, 'f')) v(a, b) where exists (select 1) and v.a in (6)",
      "insert into note values (6, 'g') on conflict (id) do update set body = coalesce(excluded.body, 'x')",
      "update note set body = regexp_replace(body, '(a)', 'b') where id in (1, 2)",
      "create table if not exists fresh (id integer primary key, price decimal(10,2) check (price > 0), name varchar(10))",
      "create index by_body on note (body)",
    ])
      await assert.doesNotReject(
        app.ask(sql, { dry_run: true }).catch((error) => Promise.reject(new Error(`${sql}: ${error.message}`))),
        sql,
      );
    assert.equal(await app.execute("delete from note where id = 2 -- (not read_text('x'))"), "-- done: delete, 1 row of note");
  });

  it("need a where of their own", async () => {
    for (const sql of [
      "with w as (select 1 where true) delete from note",
      "update note set body = $$ where $$",
      "update note set body = e'\\' where '",
      "truncate note",
    ])
      await assert.rejects(app.ask(sql), { code: "POLICY_DENIED", message: /has no where/ }, sql);
  });
});

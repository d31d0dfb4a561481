import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { resolveTarget } from "../../core/connection/target.ts";
import type { Connection } from "../../core/contract/driver.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { answer, cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { driverOf, targetAt } from "./libsql-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-libsql-quirks-"));
after(() => rmSync(folder, { recursive: true }));
const driver = driverOf(await activate({ contract: 1, log: () => undefined }));
let files = 0;

const path = (name: string) => join(folder, name);
const open = (name: string, options: Readonly<Record<string, string>> = {}, readOnly = true) =>
  driver.connect(targetAt("libsql", path(name), options), { signal: never, readOnly });

/** A new database file made by these statements. */
async function made(...statements: readonly string[]): Promise<string> {
  const name = `${++files}.db`;
  await using connection = await open(name, { create: "true" }, false);
  for (const sql of statements) await rowsOf(connection, sql);
  return name;
}

async function diagnosis(failing: Promise<unknown>) {
  const error = await rejection(failing);
  return driver.diagnose(error) ?? assert.fail(String(error));
}

async function csv(connection: Connection, sql: string): Promise<string> {
  let text = "";
  for await (const bytes of (await connection.copyOut?.(sql, [], { signal: never, batchSize: 10 })) ?? [])
    text += Buffer.from(bytes).toString();
  return text;
}

describe("a libsql target", () => {
  const at = (text: string) => resolveTarget(text, [driver], { folder: "/data" });

  it("is a file where it is written as a path, and a server where it names a host", () => {
    for (const [text, location] of [
      ["libsql:x.db", "/data/x.db"],
      ["libsql:./x.db?busy_timeout=1", "/data/x.db"],
      ["libsql:/abs/x.db", "/abs/x.db"],
      ["libsql:///abs/x.db", "/abs/x.db"],
      ["libsql+file:x.db", "/data/x.db"],
      ["libsql+file:///abs/x.db", "/abs/x.db"],
      ["libsql::memory:", ":memory:"],
    ] as const) {
      const { isPath, target } = at(text);
      assert.deepEqual([isPath, target.location], [true, location], text);
    }
    for (const text of ["libsql://shop.turso.io", "libsql+http://localhost:8080", "libsql+wss://:token@shop.turso.io/db"]) {
      assert.equal(at(text).isPath, false, text);
    }
  });

  it("shows neither a token nor a key", () => {
    for (const text of [
      "libsql://me:s3cret@shop.turso.io",
      "libsql://shop.turso.io?authToken=s3cret",
      "libsql:x.db?encryptionKey=s3cret",
    ]) {
      assert.doesNotMatch(at(text).display, /s3cret/);
    }
  });

  it("claims no path that is written without its scheme", () => {
    assert.equal(driver.claims, undefined);
  });
});

describe("libsql opens", () => {
  it("a missing file only when it is told to make one", async () => {
    assert.equal((await diagnosis(open("new.db", {}, false))).code, "NOT_FOUND");
    assert.equal(existsSync(path("new.db")), false);
    await using _ = await open("new.db", { create: "true" }, false);
    assert.equal(existsSync(path("new.db")), true);
  });

  it("any file name as a name", async () => {
    const odd = `odd ?mode=rwc&#%41 é'".db`;
    {
      await using made = await open(odd, { create: "true" }, false);
      await rowsOf(made, "create table t (a)");
    }
    await using connection = await open(odd);
    assert.equal(await cellOf(connection, "select count(*) from t"), 0);
    assert.ok(readdirSync(folder).includes(odd));
  });

  it("a database in memory", async () => {
    await using connection = await driver.connect(targetAt("libsql", ":memory:"), { signal: never, readOnly: true });
    assert.equal(await cellOf(connection, "select 1"), 1);
    assert.equal((await diagnosis(rowsOf(connection, "create table t (a)"))).code, "POLICY_DENIED");
  });

  it("an encrypted file with its key, and says so when the key is wrong or absent", async () => {
    const options = { encryptionKey: "open sesame" };
    {
      await using made = await open("locked.db", { ...options, create: "true" }, false);
      await rowsOf(made, "create table t (a)");
      await rowsOf(made, "insert into t values (1)");
    }
    await using connection = await open("locked.db", options);
    assert.equal(await cellOf(connection, "select a from t"), 1);
    for (const wrong of [{}, { encryptionKey: "open barley" }] as readonly Record<string, string>[]) {
      const { code, hint } = await diagnosis(open("locked.db", wrong));
      assert.equal(code, "INPUT_INVALID");
      assert.match(hint ?? "", /encryptionKey/);
    }
  });
});

describe("libsql reads exactly", () => {
  const broken = "cast(x'61ff62' as text)";

  it("refuses text that is not UTF-8, in every way out, and names the way to its bytes", async () => {
    await using connection = await open(
      await made("create table t (id integer, a text)", `insert into t values (1, 'é\ufffd'), (2, ${broken})`),
    );
    assert.deepEqual(await rowsOf(connection, "select a from t where id = 1 -- not 2"), [["é\ufffd"]]);
    for (const reading of [rowsOf(connection, "select a from t"), csv(connection, "select a from t order by id desc;")]) {
      const { code, hint } = await diagnosis(reading);
      assert.equal(code, "UNSUPPORTED");
      assert.match(hint ?? "", /hex\("a"\)/);
    }
    assert.deepEqual(await rowsOf(connection, 'select hex("a"), cast(a as blob) from t where id = ?', [2]), [
      ["61FF62", new Uint8Array([97, 255, 98])],
    ]);
  });

  it("reads UTF-16 databases", async () => {
    const name = await made("pragma encoding = 'UTF-16le'", "create table t (a text)", "insert into t values ('é😀,\ufffd' || char(0))");
    await using connection = await open(name);
    assert.equal(await cellOf(connection, "select a from t"), "é😀,\ufffd\0");
    assert.equal(await csv(connection, "select a, 1 from t"), '"é😀,\ufffd\0",1\n');
  });

  it("evaluates a cell once, however it is read", async () => {
    await using connection = await open(await made());
    const sql =
      "with recursive n(i) as (select 1 union all select i + 1 from n limit 500) select iif(random() % 2, 'text', x'00ff') from n";
    for (const [cell] of await rowsOf(connection, sql)) {
      if (cell instanceof Uint8Array) assert.deepEqual(cell, new Uint8Array([0, 255]));
      else assert.equal(cell, "text");
    }
  });

  it("keeps the order, the names and the parameters of what it rewrites", async () => {
    await using connection = await open(await made("create table t (a, b)", "insert into t values (2, 'x'), (1, 'y'), (3, 'z')"));
    const { columns, rows } = await answer(connection, 'select a as "a", b as "a", ?2 as "" from t where a < ?1 order by a /* last */;', [
      3,
      "p",
    ]);
    assert.deepEqual(
      columns.map(({ name, origin }) => [name, origin?.column]),
      [
        ["a", "a"],
        ["a", "b"],
        ["", undefined],
      ],
    );
    assert.deepEqual(rows, [
      [1, "y", "p"],
      [2, "x", "p"],
    ]);
    assert.deepEqual(await rowsOf(connection, "values (1, 'a'), (2, 'b')"), [
      [1, "a"],
      [2, "b"],
    ]);
    assert.deepEqual(await rowsOf(connection, "select :a, @a, $b", { a: 1, b: 2 }), [[1, 1, 2]]);
  });

  it("returns what a write changed exactly, or keeps nothing of it", async () => {
    await using connection = await open(await made('create table t (a, "odd ""name")'), {}, false);
    const sql = `insert into t values ('x' || char(0), x'00'), (?, ${"2"}) returning *, rowid as r, (a, 1) = (a, 1), upper(a) /* , */ "u,"`;
    const { columns, rows, affectedRows } = await answer(connection, sql, ["é"]);
    assert.deepEqual(
      columns.map(({ name }) => name),
      ["a", 'odd "name', "r", "(a, 1) = (a, 1)", "u,"],
    );
    assert.deepEqual(rows, [
      ["x\0", new Uint8Array([0]), 1, 1, "X\0"],
      ["é", 2, 2, 1, "é"],
    ]);
    assert.equal(affectedRows, 2);
    assert.equal((await diagnosis(rowsOf(connection, `update t set a = ${broken} returning a`))).code, "UNSUPPORTED");
    assert.equal(await cellOf(connection, "select count(*) from t where hex(a) = '61FF62'"), 0);
    assert.equal((await answer(connection, "delete from t where rowid > 5 returning a")).affectedRows, 0);
  });

  it("reads very wide rows a few at a time", async () => {
    await using connection = await open(await made());
    const sql = "with recursive n(i) as (select 1 union all select i + 1 from n limit 40) select zeroblob(3000000), i from n";
    let most = 0;
    for await (const { length } of await connection.query(sql, [], { signal: never, batchSize: 100 })) most = Math.max(most, length);
    assert.ok(most < 10, `${most} rows`);
  });
});

describe("libsql holds no lock", () => {
  it("after the rows were left, failed, or only explained", async () => {
    const name = await made("create table t (a)", "insert into t select value from generate_series(1, 5000)");
    await using reader = await open(name);
    await using other = await open(name, {}, false);
    for await (const _ of await reader.query("select a from t", [], { signal: never, batchSize: 1 })) break;
    await diagnosis(rowsOf(reader, "select a, abs(iif(a > 4000, -9223372036854775807 - 1, a)) from t"));
    await rowsOf(other, "explain query plan insert into t values (1)");
    await other.explain("delete from t", [], { signal: never, batchSize: 1, analyze: false });
    await other.analyze("delete from t");
    await using writer = await open(name, { busy_timeout: "0" }, false);
    await rowsOf(writer, "drop table t");
  });

  it("and says that trying again helps where another does", async () => {
    const name = await made("create table t (a)");
    await using holder = await open(name, {}, false);
    await using waiter = await open(name, { busy_timeout: "0" }, false);
    await rowsOf(holder, "begin exclusive");
    const { code, retryable, hint } = await diagnosis(rowsOf(waiter, "insert into t values (1)"));
    assert.deepEqual([code, retryable], ["CONNECTION_FAILED", true]);
    assert.match(hint ?? "", /\?busy_timeout=\d+$/);
    await rowsOf(holder, "rollback");
    await rowsOf(waiter, "insert into t values (1)");
  });

  it("and forgets what a caller left, when it is told to", async () => {
    const name = await made("create table t (a)");
    await using connection = await open(name, {}, false);
    await rowsOf(connection, "create temp table left (a)");
    await rowsOf(connection, "begin");
    await rowsOf(connection, "insert into t values (1)");
    await connection.reset?.(never);
    assert.equal(await cellOf(connection, "select count(*) from t"), 0);
    assert.equal((await diagnosis(rowsOf(connection, "select * from left"))).code, "SQL_INVALID");
  });
});

describe("libsql's gate", () => {
  it("knows a write whatever it is dressed as", async () => {
    await using connection = await open(
      await made(
        "create table t (a)",
        "create virtual table note using fts5 (body)",
        "create virtual table place using rtree (id, low, high)",
      ),
    );
    const kinds = async (sql: string) => (await connection.analyze(sql)).map(({ kind }) => kind).join();
    for (const [sql, kind] of [
      ["/* select */ -- select\n delete from t", "write"],
      ["with replace as (select 1) select * from replace", "read"],
      ["with a as (select ')') insert into t select * from a", "write"],
      ["select * from note where note match 'tide'", "read"],
      ["select id from place where low > 1", "read"],
      ["insert into note (note) values ('optimize')", "write"],
      ["select sqlite3mc_config ('cipher')", "admin"],
      ['select "readfile" /* x */ (a) from t', "admin"],
      ["select readfile from (select 1 as readfile)", "read"],
      ["select x'ff00'", "read"],
      ["select 'fsdir'", "admin"],
      ['select * from "FSDIR"(1)', "admin"],
      ["select 'writefile(1)'", "read"],
      ["pragma main.table_info('t')", "read"],
      ["pragma table_info = t", "read"],
      ["pragma user_version = 1", "session"],
      ["create table u as select readfile('/etc/hostname') as b", "admin"],
      ["select 1; create trigger x after insert on t begin delete from t; select 1; end; select 2", "read,schema,read"],
    ] as const)
      assert.equal(await kinds(sql), kind, sql);
  });

  it("takes nothing for a read that the engine has not compiled as one", async () => {
    await using connection = await open(await made("create table t (a)"));
    for (const sql of ["frobnicate", "select 1 frm t x", "select * from u"]) {
      assert.equal((await diagnosis(rowsOf(connection, sql))).code, "SQL_INVALID", sql);
    }
    assert.equal((await diagnosis(rowsOf(connection, "explain /* query */ select x'ff'"))).code, "UNSUPPORTED");
    assert.equal((await diagnosis(rowsOf(connection, "select 'a\0b'"))).code, "SQL_INVALID");
    assert.equal((await diagnosis(rowsOf(connection, "select ?", [["list"]]))).code, "INPUT_INVALID");
  });
});

describe("libsql's catalog", () => {
  it("knows generated columns, implied keys, expressions in indexes, and views of what is gone", async () => {
    const name = await made(
      "create table parent (a int, b int, primary key (b, a)) without rowid",
      "create table child (x integer primary key, y int, z int default (1 + 1), w text as (x || ',') virtual, foreign key (y, z) references parent)",
      `create index by_term on child (lower(w || '),"') collate nocase, z desc) where z > 1`,
      "create table gone (a)",
      "create view stale as select a from gone",
      "drop table gone",
      "create table item (id integer primary key, embedding F32_BLOB(3))",
      "create index near on item (libsql_vector_idx(embedding))",
    );
    await using connection = await open(name);
    const objects = await connection.catalog.read({ detail: "full", signal: never });
    const [child, item, , parent, stale] = objects;
    assert.deepEqual(
      objects.map((object) => object.name),
      ["child", "item", "near_shadow", "parent", "stale"],
    );
    assert.deepEqual(
      child?.columns?.map((column) => [column.name, column.nullable, column.default, column.generated]),
      [
        ["x", false, undefined, undefined],
        ["y", true, undefined, undefined],
        ["z", true, "1 + 1", undefined],
        ["w", true, undefined, true],
      ],
    );
    assert.deepEqual(child?.foreignKeys, [{ columns: ["y", "z"], references: { schema: "main", name: "parent", columns: ["b", "a"] } }]);
    assert.deepEqual(child?.indexes, [{ name: "by_term", unique: false, columns: [`lower(w || '),"') collate nocase`, "z"] }]);
    assert.deepEqual(item?.indexes?.[0]?.columns, ["libsql_vector_idx(embedding)"]);
    assert.deepEqual(parent?.primaryKey, ["b", "a"]);
    assert.deepEqual([stale?.kind, stale?.columns, stale?.definition], ["view", undefined, "CREATE VIEW stale as select a from gone"]);
  });

  it("estimates rows by ANALYZE, else by rowids, and not at all when they say nothing", async () => {
    const fill = "with recursive n(i) as (select 1 union all select i + 1 from n limit 500) insert into";
    await using rowids = await open(
      await made(
        "create table dense (a)",
        `${fill} dense select i from n`,
        "create table sparse (id integer primary key)",
        "insert into sparse values (1), (9e15)",
      ),
    );
    const rows = async (connection: Connection) =>
      (await connection.catalog.read({ detail: "columns", signal: never })).map(({ estimatedRows }) => estimatedRows);
    assert.deepEqual(await rows(rowids), [500, undefined]);
    await using analyzed = await open(
      await made("create table t (a)", "create index i on t (a)", `${fill} t select i from n`, "analyze", "delete from t where a > 10"),
    );
    assert.deepEqual(await rows(analyzed), [500]);
  });

  it("reads more tables than fit into one union", async () => {
    const tables = Array.from({ length: 450 }, (_, index) => `create table t${index} (a integer, b text)`);
    await using connection = await open(await made("begin", ...tables, "insert into t449 values (1, 'x')", "commit"));
    const objects = await connection.catalog.read({ detail: "columns", signal: never });
    assert.equal(objects.length, 450);
    assert.ok(objects.every(({ columns }) => columns?.length === 2));
    assert.equal(objects.find((object) => object.name === "t449")?.estimatedRows, 1);
  });
});

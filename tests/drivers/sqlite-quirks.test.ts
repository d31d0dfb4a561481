import assert from "node:assert/strict";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import activate from "../../plugins/sqlite/plugin.ts";
import { answer, cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-sqlite-quirks-"));
after(() => rmSync(folder, { recursive: true }));
const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose, claims } = driver;
let files = 0;

const path = (name: string) => join(folder, name);
const open = (name: string, options: Record<string, string> = {}, readOnly = true) =>
  connect({ scheme: "sqlite", location: path(name), options }, { signal: never, readOnly });

/** A new database file made by these statements. */
async function made(...statements: readonly string[]): Promise<string> {
  const name = `${++files}.db`;
  await using connection = await open(name, { create: "true" }, false);
  for (const sql of statements) await rowsOf(connection, sql);
  return name;
}

async function diagnosis(failing: Promise<unknown>) {
  const error = await rejection(failing);
  return diagnose(error) ?? assert.fail(String(error));
}

describe("sqlite opens", () => {
  it("claims files by their first bytes and nothing else", async () => {
    const facts = { path: "x.db", kind: "file", extension: "db" } as const;
    assert.equal(claims?.({ ...facts, header: readFileSync(path(await made("create table t (a)"))).subarray(0, 64) }), true);
    assert.equal(claims?.({ ...facts, header: Buffer.from("SQLite format 3") }), false);
    assert.equal(claims?.({ ...facts, header: new Uint8Array() }), false);
    assert.equal(claims?.({ ...facts, kind: "missing", header: new Uint8Array() }), false);
  });

  it("makes a missing file only when it is told to", async () => {
    assert.equal((await diagnosis(open("new.db", {}, false))).code, "NOT_FOUND");
    assert.equal(existsSync(path("new.db")), false);
    await using _ = await open("new.db", { create: "true" }, false);
    assert.equal(existsSync(path("new.db")), true);
  });

  it("takes any file name as a name", async () => {
    const odd = `odd ?mode=rwc&#%41 é'".db`;
    copyFileSync(path(await made("create table t (a)", "insert into t values (1)")), path(odd));
    await using connection = await open(odd);
    assert.equal(await cellOf(connection, "select a from t"), 1);
    assert.ok(readdirSync(folder).includes(odd));
  });

  it("opens a database in memory", async () => {
    await using connection = await connect({ scheme: "sqlite", location: ":memory:", options: {} }, { signal: never, readOnly: true });
    assert.equal(await cellOf(connection, "select 1"), 1);
    assert.equal((await diagnosis(rowsOf(connection, "create table t (a)"))).code, "POLICY_DENIED");
  });

  it("reads a WAL database in a folder it may not write to", {
    skip: process.getuid?.() === 0 && "root may write to every folder",
  }, async () => {
    mkdirSync(path("shut"));
    copyFileSync(path(await made("pragma journal_mode = wal", "create table t (a)", "insert into t values (1)")), path("shut/wal.db"));
    chmodSync(path("shut"), 0o555);
    try {
      await using connection = await open("shut/wal.db");
      assert.equal(await cellOf(connection, "select a from t"), 1);
    } finally {
      chmodSync(path("shut"), 0o755);
    }
  });

  it("says that a damaged file is damaged", async () => {
    const name = await made("create table t (a)", `insert into t select zeroblob(5000) from (values (1), (2), (3), (4), (5), (6))`);
    const bytes = readFileSync(path(name));
    writeFileSync(path(name), bytes.fill(0xff, 4096, 8192));
    await using connection = await open(name);
    const { code, retryable } = await diagnosis(rowsOf(connection, "select * from t"));
    assert.deepEqual([code, retryable], ["CONNECTION_FAILED", false]);
  });

  it("says that a database is locked and that trying again helps", async () => {
    const name = await made("create table t (a)");
    await using holder = await open(name, {}, false);
    await using waiter = await open(name, { busy_timeout: "0" }, false);
    await rowsOf(holder, "begin exclusive");
    const { code, retryable } = await diagnosis(rowsOf(waiter, "insert into t values (1)"));
    assert.deepEqual([code, retryable], ["CONNECTION_FAILED", true]);
    await rowsOf(holder, "rollback");
    await rowsOf(waiter, "insert into t values (1)");
  });
});

describe("sqlite reads exactly", () => {
  const broken = "cast(x'61ff62' as text)";

  it("refuses text that is not UTF-8 and says how to read its bytes", async () => {
    await using connection = await open(
      await made("create table t (id integer, a text)", `insert into t values (1, 'fine'), (2, '\ufffd fine'), (3, ${broken})`),
    );
    assert.deepEqual(await rowsOf(connection, "select a from t where id < 3 -- not 3"), [["fine"], ["\ufffd fine"]]);
    for (const sql of ["select a from t", "select * from t order by id desc;", "with x(y) as (select a || '' from t) select y from x"]) {
      const { code, hint } = await diagnosis(rowsOf(connection, sql));
      assert.equal(code, "UNSUPPORTED");
      const bytes = /^Read its bytes: (select hex\(.*)$/.exec(hint ?? "")?.[1] ?? assert.fail(hint);
      assert.ok((await rowsOf(connection, bytes)).flat().includes("61FF62"), bytes);
    }
    assert.deepEqual(await rowsOf(connection, "select id, hex(a), cast(a as blob) from t where id = ?", [3]), [
      [3, "61FF62", new Uint8Array([97, 255, 98])],
    ]);
  });

  it("holds no lock after the rows were left, however it had to read them", async () => {
    const name = await made("create table t (a text)", "insert into t values ('\ufffd'), ('\ufffd'), ('\ufffd')");
    await using reader = await open(name);
    for await (const _ of await reader.query("select a from t", [], { signal: never, batchSize: 1 })) break;
    await using writer = await open(name, { busy_timeout: "0" }, false);
    await rowsOf(writer, "drop table t");
  });

  it("refuses to copy out text that is not UTF-8", async () => {
    await using connection = await open(
      await made("create table t (a text)", "insert into t values ('\ufffd')", `insert into t values (${broken})`),
    );
    const copy = async (sql: string) => {
      let text = "";
      for await (const bytes of (await connection.copyOut?.(sql, [], { signal: never, batchSize: 10 })) ?? [])
        text += Buffer.from(bytes).toString();
      return text;
    };
    assert.equal(await copy("select a from t limit 1"), "\ufffd\n");
    assert.equal((await diagnosis(copy("select a from t"))).code, "UNSUPPORTED");
  });

  it("names a way to the bytes for every name a column may have", async () => {
    await using connection = await open(await made());
    for (const name of ["t", 'odd "name"', "select"]) {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      const { hint } = await diagnosis(rowsOf(connection, `select ${broken} as ${quoted}`));
      assert.deepEqual(await rowsOf(connection, hint?.slice("Read its bytes: ".length) ?? ""), [["61FF62"]]);
    }
    const long = await diagnosis(rowsOf(connection, `select ${broken} as t -- a comment`));
    assert.equal(long.hint, 'Read its bytes: select hex("t") from (…), with the query in the parentheses');
    const twice = await diagnosis(rowsOf(connection, `select 1 as t, ${broken} as t`));
    assert.match(twice.hint ?? "", /names of their own/);
  });

  it("keeps no write whose answer cannot be read exactly", async () => {
    await using connection = await open(await made("create table t (a text)"), {}, false);
    assert.equal((await diagnosis(rowsOf(connection, `insert into t values (${broken}) returning a`))).code, "UNSUPPORTED");
    assert.deepEqual(
      await answer(connection, "insert into t values ('x') returning a, rowid").then(({ rows, affectedRows }) => [rows, affectedRows]),
      [[["x", 1]], 1],
    );
    assert.equal(await cellOf(connection, "select count(*) from t"), 1);
  });

  it("keeps text with U+0000", { skip: "Deno" in globalThis && "Deno's node:sqlite cuts text at U+0000" }, async () => {
    await using connection = await open(await made("create table t (a text)"), {}, false);
    await rowsOf(connection, "insert into t values (?)", ["a\0b"]);
    assert.equal(await cellOf(connection, "select a from t"), "a\0b");
    assert.equal((await diagnosis(rowsOf(connection, "select 'a\0b'"))).code, "SQL_INVALID");
  });

  it("reads UTF-16 databases", async () => {
    await using connection = await open(
      await made("pragma encoding = 'UTF-16le'", "create table t (a text)", "insert into t values ('é😀 \ufffd')"),
    );
    assert.equal(await cellOf(connection, "select a from t"), "é😀 \ufffd");
  });

  it("takes a byte order mark for a blank, as SQLite does", async () => {
    await using connection = await open(await made());
    assert.equal(await cellOf(connection, "\ufeffselect 1;\ufeff"), 1);
    assert.deepEqual(await connection.analyze("\ufeff"), []);
  });

  it("tells integers from reals among parameters, and finds each prefix by its name", async () => {
    await using connection = await open(await made());
    assert.deepEqual(await rowsOf(connection, "select ? / 2, typeof(?), ?4", [5, 5, 0.5, "d"]), [[2, "integer", "d"]]);
    assert.deepEqual(await rowsOf(connection, "select :a, @a, $b", { a: 1, b: 2 }), [[1, 1, 2]]);
    for (const wrong of [[Number.NaN], [2n ** 63n], [["list"]], ["\ud800"]]) {
      assert.equal((await diagnosis(rowsOf(connection, "select ?", wrong))).code, "INPUT_INVALID");
    }
  });

  it("reads virtual tables on a read-only connection, and knows that it only reads", async () => {
    const tables = [
      "create virtual table place using rtree (id, low, high)",
      "create virtual table note using fts5 (body)",
      "create virtual table old using fts4 (body)",
    ];
    const name = await made(
      ...tables,
      "insert into place values (1, 2, 3)",
      "insert into note values ('high tide')",
      "insert into old values ('low tide')",
    );
    const queries = [
      "select id from place where low > 1",
      "select rowid from note where note match 'tide'",
      "select docid from old where old match 'tide'",
    ];
    for (const sql of queries) {
      await using connection = await open(name);
      assert.deepEqual(
        (await connection.analyze(sql)).map(({ kind }) => kind),
        ["read"],
      );
      assert.equal(await cellOf(connection, sql), 1);
      assert.deepEqual(
        (await connection.catalog.read({ detail: "names", signal: never })).map((object) => object.name),
        ["note", "old", "place"],
      );
    }
  });
});

describe("sqlite's catalog", () => {
  const read = async (connection: Connection, name?: string) =>
    connection.catalog.read({ detail: "full", signal: never, ...(name && { object: { name } }) });

  it("knows generated columns, implied keys, expressions in indexes and views of what is gone", async () => {
    const name = await made(
      "create table parent (a int, b int, primary key (b, a)) without rowid",
      "create table child (x integer primary key, y int, z int default (1 + 1), w text as (x || ',') virtual, foreign key (y, z) references parent)",
      `create index by_term on child (lower(w || '),"') collate nocase, z desc) where z > 1`,
      "create table gone (a)",
      "create view stale as select a from gone",
      "drop table gone",
    );
    await using connection = await open(name);
    const [child, parent, stale] = await read(connection);
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
    assert.deepEqual(
      [parent?.primaryKey, parent?.columns?.map(({ nullable }) => nullable)],
      [
        ["b", "a"],
        [false, false],
      ],
    );
    assert.deepEqual([stale?.kind, stale?.columns, stale?.definition], ["view", undefined, "CREATE VIEW stale as select a from gone"]);
  });

  it("estimates rows by ANALYZE, else by rowids, and not at all when they say nothing", async () => {
    const fill = "with recursive n(i) as (select 1 union all select i + 1 from n limit 500) insert into";
    const spread = await made(
      "create table dense (a)",
      `${fill} dense select i from n`,
      "create table sparse (id integer primary key)",
      "insert into sparse values (1), (9e15)",
    );
    await using rowids = await open(spread);
    assert.deepEqual(
      (await read(rowids)).map(({ estimatedRows }) => estimatedRows),
      [500, undefined],
    );
    await using analyzed = await open(
      await made("create table t (a)", "create index i on t (a)", `${fill} t select i from n`, "analyze", "delete from t where a > 10"),
    );
    assert.deepEqual(
      (await read(analyzed, "T")).map(({ estimatedRows }) => estimatedRows),
      [500],
    );
  });
});

describe("sqlite explains", () => {
  const told = async (sql: string, ...before: readonly string[]) => {
    await using connection = await open(await made("create table t (a)", ...before), {}, false);
    return await diagnosis(rowsOf(connection, sql));
  };

  it("which column is missing, without the engine's advice in its name", async () => {
    const { message, missing, missingKind, position } = await told('select "b" from t');
    assert.deepEqual([message, missing, missingKind, position], ['Column "b" does not exist', "b", "column", 7]);
    const table = await told("select 1 from u");
    assert.deepEqual([table.missing, table.missingKind], ["u", "object"]);
  });

  it("that a statement is nested too deeply", async () => {
    assert.match((await told(`select ${"(".repeat(3000)}1${")".repeat(3000)}`)).message, /nested too deeply/);
    assert.match((await told(`select ${"1+".repeat(3000)}1`)).message, /nested too deeply/);
  });

  it("what a trigger says in its author's words, and names as they are written", async () => {
    const trigger = "create trigger x before insert on t begin select raise(abort, 'stop it'); end";
    assert.match((await told("insert into t values (1)", trigger)).message, /stop it/);
    assert.match((await told("select lower(1) over ()")).message, /^lower\(\) may not/);
    assert.equal((await told("select json('x')")).message, "Malformed JSON");
  });

  it("how to wait longer for a lock", async () => {
    const name = await made("create table t (a)");
    await using holder = await open(name, {}, false);
    await using waiter = await open(name, { busy_timeout: "0" }, false);
    await rowsOf(holder, "begin exclusive");
    const { hint } = await diagnosis(rowsOf(waiter, "insert into t values (1)"));
    const option = /\?(busy_timeout)=(\d+)$/.exec(hint ?? "") ?? assert.fail(hint);
    await rowsOf(holder, "rollback");
    await using _ = await open(name, { [option[1] ?? ""]: option[2] ?? "" });
  });

  it("that a plan of an EXPLAIN is none", async () => {
    await using connection = await open(await made());
    const sql = "  explain select 1";
    const { code, position } = await diagnosis(connection.explain(sql, [], { signal: never, batchSize: 1, analyze: false }));
    assert.deepEqual([code, position], ["SQL_INVALID", 2]);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { driverOf, targetAt } from "./libsql-suite.ts";

const driver = driverOf(await activate({ contract: 1, log: () => undefined }));
const folder = mkdtempSync(join(tmpdir(), "tidegate-libsql-guard-"));
after(() => rmSync(folder, { recursive: true }));
const setup = [
  "create table note (id integer primary key, title text, body text)",
  "insert into note values (1, 'a', 'canary one'), (2, 'b', 'canary two')",
  "create virtual table search using fts5 (title, body, content='note', content_rowid='id')",
  "insert into search (search) values ('rebuild')",
  "create table item (id integer primary key, embedding F32_BLOB(2))",
  "create index near on item (libsql_vector_idx(embedding))",
  "insert into item values (1, vector32('[1, 2]'))",
  "create table tag (note_id integer, name text)",
  "insert into tag values (1, 'x')",
  "create view tagged as select n.*, t.name from note n, main.tag t where t.note_id = n.id",
];

describe("the guard of libSQL", () => {
  const target = targetAt("libsql", join(folder, "guard.db"), { create: "true" });
  let connection: Connection;
  before(async () => {
    await using writer = await driver.connect(target, { signal: never, readOnly: false });
    for (const sql of setup) await rowsOf(writer, sql);
    connection = await driver.connect(target, { signal: never, readOnly: true });
  });
  after(() => connection[Symbol.asyncDispose]());

  const note: RelationRestriction = {
    schema: "main",
    name: "note",
    hidden: [],
    masks: [{ column: "body", form: "redact" }],
    where: ["id = 1"],
    values: {},
  };
  const shown = async (sql: string, on = connection): Promise<Value[][]> => {
    await using stream = await on.query(sql, [], { signal: never, batchSize: 10, restrictions: [note] });
    const rows: Value[][] = [];
    for await (const { length, columns } of stream)
      for (let row = 0; row < length; row++) rows.push(columns.map((column) => column[row] ?? null));
    return rows;
  };
  const refusal = async (sql: string, on = connection) => driver.diagnose(await rejection(shown(sql, on)))?.code;

  it("hides a table behind its own name, whatever the caller calls the same", async () => {
    assert.deepEqual(await shown("with tag as (select 1 as note_id, 'mine' as name) select tagged.*, tag.name from tagged, tag"), [
      [1, "a", "***", "x", "mine"],
    ]);
    assert.equal(await refusal("with note as (select body from main.note) select * from note"), "SQL_INVALID");
    assert.deepEqual(await shown('with n as (select 1) select count(*), max(body) from n, [main] . "note" -- note'), [[1, "***"]]);
    assert.deepEqual(await shown("select 1 where 2 in (select id from note) or 'canary one' in (select body from main.note)"), []);
  });

  it("lets nothing read a restricted table in its place, or change it", async () => {
    assert.equal(await refusal("select body from search"), "POLICY_DENIED");
    assert.equal(await refusal("select highlight(search, 1, '', '') from search where search match 'canary'"), "POLICY_DENIED");
    await using writer = await driver.connect(target, { signal: never, readOnly: false });
    for (const sql of [
      "delete from note",
      "update note set title = 'x'",
      "insert into note values (3, 'c', 'd')",
      "replace into note values (1, 'c', 'd')",
    ])
      assert.equal(await refusal(sql, writer), "POLICY_DENIED", sql);
    await shown("insert into tag select 2, body from note", writer);
    assert.deepEqual(await rowsOf(connection, "select name from tag order by rowid"), [["x"], ["***"]]);
  });

  it("counts copies of vectors among what the engine keeps for itself", async () => {
    const [statement] = await connection.analyze("select * from near_shadow", never);
    assert.deepEqual(
      statement?.analysis?.relations.map(({ kind, tells }) => [kind, tells]),
      [["catalog", "contents"]],
    );
  });

  it("does not analyse what only the engine understands, and runs it all the same", async () => {
    const sql = "select id from vector_top_k('near', vector32('[1, 2]'), 1)";
    assert.deepEqual(await connection.analyze(sql, never), [{ kind: "read" }]);
    assert.deepEqual(await rowsOf(connection, sql), [[1]]);
    assert.notEqual(await refusal(`${sql} join note using (id)`), undefined);
  });

  it("sees the schema of its transaction, and forgets it with the transaction", async () => {
    await using writer = await driver.connect(target, { signal: never, readOnly: false });
    assert.ok(writer.begin);
    const names = async () => (await writer.analyze("select * from fresh", never))[0]?.analysis?.columns.map(({ column }) => column);
    for (const column of ["first", "second"]) {
      const transaction = await writer.begin({ signal: never, readOnly: false });
      await (await transaction.query(`create table fresh (${column})`, [], { signal: never, batchSize: 1 }))[Symbol.asyncDispose]();
      assert.deepEqual(await names(), [column]);
      await transaction.rollback();
    }
  });
});

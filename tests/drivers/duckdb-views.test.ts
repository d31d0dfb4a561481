import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";

const signal = new AbortController().signal;
const own: Omit<RelationRestriction, "name"> = { schema: "main", hidden: [], masks: [], where: [], values: {} };
const masks = (name: string, column: string): RelationRestriction => ({ ...own, name, masks: [{ column, form: "redact" }] });

describe("DuckDB, where a policy names a view", () => {
  let connection: Connection;
  const ask = async (sql: string, restrictions: readonly RelationRestriction[] = []) => {
    const found: unknown[][] = [];
    const rows = await connection.query(sql, [], { signal, batchSize: 100, restrictions });
    for await (const { length, columns } of rows) for (let row = 0; row < length; row++) found.push(columns.map((column) => column[row]));
    return found;
  };
  before(async () => {
    connection = await createDuckdbDriver().connect({ scheme: "duckdb", location: ":memory:", options: {} }, { signal, readOnly: false });
    for (const sql of [
      "create table t (id int, email varchar, region varchar)",
      "insert into t values (1, 'a@x.y', 'EU'), (2, 'b@x.y', 'US')",
      "create view v as select id, email as mail, region from t",
      "create view w (a, b) as select id, mail from v",
    ])
      await ask(sql);
  });
  after(() => connection[Symbol.asyncDispose]());

  it("masks its columns, whatever name and place they are given", async () => {
    assert.deepEqual(await ask("select * from v order by id", [masks("v", "mail")]), [
      [1, "***", "EU"],
      [2, "***", "US"],
    ]);
    assert.deepEqual(await ask("select q.b from v as q(a, b, c) where q.b like 'a%'", [masks("v", "mail")]), []);
    assert.deepEqual(await ask("with t as (select 'x' as email) select max(mail) from v", [masks("v", "mail")]), [["***"]]);
  });

  it("masks them beneath another view, and beside what is masked of the table", async () => {
    assert.deepEqual(await ask("select b from w group by b", [masks("v", "mail")]), [["***"]]);
    assert.deepEqual(await ask("select b from w group by b", [masks("w", "b")]), [["***"]]);
    const both = [masks("v", "region"), { ...masks("t", "email"), where: ["id = 1"] }];
    assert.deepEqual(await ask("select * from v", both), [[1, "***", "***"]]);
  });

  it("filters its rows by its own columns, and leaves hidden ones out", async () => {
    assert.deepEqual(await ask("select id from v", [{ ...own, name: "v", where: ["mail like 'b%'"] }]), [[2]]);
    const hidden = { ...own, name: "v", hidden: ["mail"] };
    assert.deepEqual(await ask("select * from v order by id", [hidden]), [
      [1, "EU"],
      [2, "US"],
    ]);
    await assert.rejects(ask("select mail from v", [hidden]), /not found/);
    assert.deepEqual(await ask("select email from t order by 1", [hidden]), [["a@x.y"], ["b@x.y"]]);
  });
});

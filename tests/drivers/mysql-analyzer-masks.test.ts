import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Value } from "../../core/contract/rows.ts";
import { never, rejection } from "../contract/driver/bench.ts";
import { absence, connection, diagnose, masked, open, refusedAs, restrict, rows, withServer } from "./mysql-analyzer-bench.ts";

withServer();

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
    await using stream = await connection().query("select secret, born, pay from person", [], {
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
    await using transaction = await connection().begin?.({ signal: never, readOnly: true });
    const stream = await transaction?.query("select email from person", [], { signal: never, batchSize: 9, restrictions: [masked] });
    for await (const { columns } of stream ?? []) assert.deepEqual([...(columns[0] as Value[])], ["***", "***"]);
    await transaction?.rollback();
    const plan = await connection().explain("select email from person where email = 'secret1@hidden.example'", [], {
      signal: never,
      batchSize: 9,
      analyze: false,
      restrictions: [masked],
    });
    assert.ok(!plan.includes("secret"));
    const csv = await connection().copyOut?.("select email from person", [], { signal: never, batchSize: 9, restrictions: [masked] });
    let text = "";
    for await (const bytes of csv ?? []) text += Buffer.from(bytes).toString();
    assert.equal(text.trim(), "***\n***");
  });

  it("views whose columns have names of their own", async () => {
    assert.deepEqual(await rows("select nr, what from mixed order by nr, what", [masked]), [
      [1, "Ada:***"],
      [1, "x"],
      [2, "Bob:***"],
    ]);
    assert.deepEqual(await rows("select s.email, id from swapped as s order by 1", [masked]), [
      [1, "***"],
      [2, "***"],
    ]);
    assert.deepEqual(await rows("select mail, n from nested order by n", [masked]), [
      ["***", 1],
      ["***", 2],
    ]);
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
    const one = await connection().cost?.("select email from person where id = ?", [1], options);
    const all = await connection().cost?.("select a.email from person a, person b, person c", [], options);
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
      await using stream = await connection().query(sql, params, options);
      for await (const { columns } of stream) assert.deepEqual([columns[0]?.[0], columns[1]?.[0]], ["Ada", "***"]);
    }
  });
});

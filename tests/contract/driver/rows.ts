import assert from "node:assert/strict";
import { answer, cellOf, type DriverCase, firstBatch, never, rowsOf } from "./bench.ts";

export const rows: readonly DriverCase[] = [
  {
    name: "gives rows in the order the statement asks for",
    async run({ open }) {
      await using connection = await open("read");
      assert.deepEqual(await rowsOf(connection, "select id, name from item order by id desc"), [
        [3, "lamp"],
        [2, "desk"],
        [1, "pen"],
      ]);
    },
  },
  {
    name: "knows the columns before the first row, and keeps them when there is none",
    async run({ open }) {
      await using connection = await open("read");
      await using stream = await connection.query("select id, label from vacant", [], { signal: never, batchSize: 10 });
      assert.deepEqual(
        stream.columns.map(({ name }) => name),
        ["id", "label"],
      );
      assert.equal(await firstBatch(stream), 0);
    },
  },
  {
    name: "keeps columns that share a name apart",
    async run({ open }) {
      await using connection = await open("read");
      const { columns, rows } = await answer(connection, "select 1 as x, 2 as x, 3 as x");
      assert.deepEqual(
        columns.map(({ name }) => name),
        ["x", "x", "x"],
      );
      assert.deepEqual(rows, [[1, 2, 3]]);
    },
  },
  {
    name: "splits a result into batches of at most batchSize rows and loses none",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const { rows } = await answer(connection, fixture.manyRows(1001), [], 100);
      assert.deepEqual(
        rows.map(([number]) => number),
        Array.from({ length: 1001 }, (_, index) => index + 1),
      );
    },
  },
  {
    name: "reads tables and columns with odd names",
    async run({ open, quoted, odd }) {
      await using connection = await open("read");
      const { columns, rows } = await answer(connection, `select * from ${quoted(odd.table)}`);
      assert.deepEqual(
        columns.map(({ name }) => name),
        [odd.table, "select", odd.blank],
      );
      assert.deepEqual(rows, [[7, "x", null]]);
    },
  },
  {
    name: "names the declared type of a table's column",
    async run({ open }) {
      await using connection = await open("read");
      const { columns } = await answer(connection, "select name, price from item");
      assert.deepEqual(
        columns.map(({ type }) => type),
        ["text", "decimal"],
      );
      assert.match(columns[1]?.nativeType ?? "", /\(10, ?2\)/);
    },
  },
  {
    name: "never names a wrong origin for a column",
    async run({ open }) {
      await using connection = await open("read");
      const { columns } = await answer(
        connection,
        "select i.name as a, m.name as b, i.id + 1 as c from item i join maker m on m.id = i.maker_id",
      );
      const origins = columns.map(({ origin }) => origin && `${origin.table}.${origin.column}`);
      assert.ok([undefined, "item.name"].includes(origins[0]), origins[0]);
      assert.ok([undefined, "maker.name"].includes(origins[1]), origins[1]);
      assert.equal(origins[2], undefined);
    },
  },
  {
    name: "counts the rows a write changed",
    async run({ open }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table counted (id integer)");
      assert.equal((await answer(connection, "insert into counted values (1), (2), (3)")).affectedRows, 3);
      assert.equal((await answer(connection, "delete from counted where id > 1")).affectedRows, 2);
      assert.equal((await answer(connection, "update counted set id = 9 where id = 5")).affectedRows, 0);
      assert.equal((await answer(connection, "select * from counted")).affectedRows, undefined);
      await rowsOf(connection, "drop table counted");
    },
  },
  {
    name: "serves two connections at the same time",
    async run({ open, fixture }) {
      await using one = await open("read");
      await using other = await open("read");
      await using slow = await one.query(fixture.manyRows(5000), [], { signal: never, batchSize: 100 });
      let seen = 0;
      for await (const batch of slow) {
        seen += batch.length;
        assert.equal(await cellOf(other, "select count(*) from item"), 3);
      }
      assert.equal(seen, 5000);
    },
  },
  {
    name: "answers a ping",
    async run({ open }) {
      await using connection = await open("read");
      await connection.ping(never);
    },
  },
  {
    name: "can be closed twice, and refuses work afterwards",
    async run({ open, diagnosed }) {
      const connection = await open("read");
      await connection[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      await diagnosed(rowsOf(connection, "select 1"), "CONNECTION_FAILED");
      await diagnosed(connection.ping(never), "CONNECTION_FAILED");
    },
  },
  {
    name: "describes itself",
    async run({ driver }) {
      assert.match(driver.name, /^[a-z][a-z0-9-]*$/);
      assert.ok(driver.schemes.length > 0);
      assert.match(driver.facts.title, /^\S.*\S$/);
      assert.equal(driver.facts.identifierQuote.length, 1);
    },
  },
];

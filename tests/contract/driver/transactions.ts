import assert from "node:assert/strict";
import type { Connection, Transaction } from "../../../core/contract/driver.ts";
import { cellOf, type DriverCase, never, rowsOf } from "./bench.ts";

const options = { signal: never, batchSize: 100 };

export const transactions: readonly DriverCase[] = [
  {
    name: "keeps what a transaction commits, and nothing of one that is rolled back or left",
    async run({ open }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table kept (id integer)");
      const committed = await begun(connection, false);
      await inside(committed, "insert into kept values (1)");
      await inside(committed, "insert into kept values (2)");
      await committed.commit(never);
      const undone = await begun(connection, false);
      await inside(undone, "insert into kept values (3)");
      await undone.rollback();
      {
        await using left = await begun(connection, false);
        await inside(left, "insert into kept values (4)");
      }
      assert.equal(await cellOf(connection, "select sum(id) from kept").then(Number), 3);
    },
  },
  {
    name: "tells a transaction what it wrote, and others only once it is committed",
    async run({ open }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table seen (id integer)");
      const transaction = await begun(connection, false);
      await inside(transaction, "insert into seen values (1)");
      assert.equal(Number((await inside(transaction, "select count(*) from seen"))[0]?.[0]), 1);
      await transaction.rollback();
      assert.equal(Number(await cellOf(connection, "select count(*) from seen")), 0);
    },
  },
  {
    name: "refuses writes in a read-only transaction",
    async run({ open, diagnosed }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table guarded (id integer)");
      {
        await using transaction = await begun(connection, true);
        assert.equal(Number((await inside(transaction, "select count(*) from guarded"))[0]?.[0]), 0);
        await diagnosed(inside(transaction, "insert into guarded values (1)"), "POLICY_DENIED");
      }
      assert.equal(Number(await cellOf(connection, "select count(*) from guarded")), 0);
    },
  },
  {
    name: "lets no statement end the transaction it is in",
    async run({ open, diagnosed }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table whole (id integer)");
      {
        await using transaction = await begun(connection, false);
        await inside(transaction, "insert into whole values (1)");
        for (const sql of ["commit", "rollback", "begin"]) await diagnosed(inside(transaction, sql), "UNSUPPORTED");
      }
      assert.equal(Number(await cellOf(connection, "select count(*) from whole")), 0);
    },
  },
  {
    name: "runs nothing beside a transaction, and nothing in one that is over",
    async run({ open, diagnosed }) {
      await using connection = await open("write");
      const transaction = await begun(connection, false);
      await diagnosed(rowsOf(connection, "select 1"), "CONFLICT");
      await transaction.rollback();
      await diagnosed(inside(transaction, "select 1"), "CONFLICT");
      await diagnosed(transaction.commit(never), "CONFLICT");
      assert.equal(Number(await cellOf(connection, "select 1")), 1);
    },
  },
];

async function begun(connection: Connection, readOnly: boolean): Promise<Transaction> {
  assert.ok(connection.begin !== undefined, "the connection has begin");
  return connection.begin({ signal: never, readOnly });
}

async function inside(transaction: Transaction, sql: string): Promise<unknown[][]> {
  await using stream = await transaction.query(sql, [], options);
  const rows: unknown[][] = [];
  for await (const { length, columns } of stream) for (let r = 0; r < length; r++) rows.push(columns.map((column) => column[r]));
  return rows;
}

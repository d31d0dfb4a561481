import assert from "node:assert/strict";
import { type Bench, cellOf, type DriverCase, never, rowsOf } from "./bench.ts";

const portable = [
  "insert into item (id, name) values (9, 'no')",
  "insert into item (id, name) select 9, 'no'",
  "update item set name = 'no'",
  "delete from item",
  "create table item2 (id integer)",
  "create table item2 as select * from item",
  "create view view2 as select 1 as one",
  "create index index2 on item (price)",
  "drop table link",
  "drop view cheap",
  "alter table item add column extra integer",
];

export const readOnly: readonly DriverCase[] = [
  {
    name: "refuses every plain write as a matter of policy",
    async run(bench) {
      await unchanged(bench, async (attempt) => {
        for (const sql of portable) await bench.diagnosed(attempt(sql), "POLICY_DENIED");
      });
    },
  },
  {
    name: "refuses every way to write that only this engine has",
    async run(bench) {
      await unchanged(bench, async (attempt) => {
        for (const sql of bench.fixture.writeAttempts)
          await bench.diagnosed(attempt(sql)).catch((error) => assert.fail(`${sql}: ${error}`));
      });
    },
  },
  {
    name: "proves that it is read-only by trying",
    async run(bench) {
      await unchanged(bench, async (_, connection) => {
        const proof = await connection.proveReadOnly(never);
        assert.ok(proof.attempts.length > 2);
        for (const { attempt, refused } of proof.attempts) assert.ok(refused, attempt);
        assert.equal(proof.state, "verified");
      });
    },
  },
  {
    name: "says so when it is not read-only, and leaves nothing behind",
    async run({ open }) {
      await using connection = await open("write");
      const before = await names(connection);
      const { state, attempts } = await connection.proveReadOnly(never);
      assert.equal(state, "UNVERIFIED");
      assert.ok(attempts.some(({ refused }) => !refused));
      assert.deepEqual(await names(connection), before);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
      assert.equal(await cellOf(connection, "select count(*) from maker"), 2);
    },
  },
  {
    name: "stays read-only after the proof and after refusals",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      await connection.proveReadOnly(never);
      await diagnosed(rowsOf(connection, "delete from item"), "POLICY_DENIED");
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
      await diagnosed(rowsOf(connection, "delete from item"), "POLICY_DENIED");
    },
  },
  {
    name: "writes on a connection that is opened for it",
    async run({ open }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table written (id integer, label varchar(10))");
      await rowsOf(connection, "insert into written values (1, 'a')");
      await using reader = await open("write");
      assert.deepEqual(await rowsOf(reader, "select * from written"), [[1, "a"]]);
      await rowsOf(connection, "drop table written");
    },
  },
];

/** Runs attempts on a read-only connection and checks from outside that nothing changed. */
async function unchanged(
  bench: Bench,
  work: (attempt: (sql: string) => Promise<unknown>, connection: Awaited<ReturnType<Bench["open"]>>) => Promise<void>,
): Promise<void> {
  await using connection = await bench.open("read");
  const before = await look(connection);
  await work((sql) => rowsOf(connection, sql), connection);
  assert.deepEqual(await look(connection), before);
}

async function look(connection: Awaited<ReturnType<Bench["open"]>>) {
  return [
    await names(connection),
    await rowsOf(connection, "select * from item order by id"),
    await rowsOf(connection, "select * from maker order by id"),
  ];
}

async function names(connection: Awaited<ReturnType<Bench["open"]>>): Promise<string[]> {
  return (await connection.catalog.read({ detail: "names", signal: never })).map(({ name }) => name);
}

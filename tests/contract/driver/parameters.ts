import assert from "node:assert/strict";
import { cellOf, type DriverCase, rowsOf } from "./bench.ts";

export const parameters: readonly DriverCase[] = [
  {
    name: "binds each kind of value as it is",
    async run({ open, fixture }) {
      await using connection = await open("read");
      for (const { declared, value, expected } of fixture.parameters) {
        const got = await cellOf(connection, `select cast(${fixture.placeholder(1)} as ${declared})`, [value]);
        assert.deepEqual(got, expected, `${String(value)} as ${declared}`);
      }
    },
  },
  {
    name: "binds null",
    async run({ open, fixture }) {
      await using connection = await open("read");
      assert.equal(
        await cellOf(connection, `select cast(${fixture.placeholder(1)} as ${fixture.casts?.integer ?? "integer"})`, [null]),
        null,
      );
    },
  },
  {
    name: "never reads a parameter as SQL",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const hostile = `x'); drop table item; --"\`\\ ? $1 :a`;
      const text = fixture.casts?.text ?? "varchar(200)";
      assert.equal(await cellOf(connection, `select cast(${fixture.placeholder(1)} as ${text})`, [hostile]), hostile);
      assert.deepEqual(await rowsOf(connection, `select id from item where name = ${fixture.placeholder(1)}`, ["' or '1'='1"]), []);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
    },
  },
  {
    name: "compares an integer parameter with an integer column",
    async run({ open, fixture }) {
      await using connection = await open("read");
      assert.equal(await cellOf(connection, `select name from item where id = ${fixture.placeholder(1)}`, [2]), "desk");
    },
  },
  {
    name: "binds several parameters in order",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const sql = `select name from item where id > ${fixture.placeholder(1)} and id < ${fixture.placeholder(2)}`;
      assert.deepEqual(await rowsOf(connection, sql, [1, 3]), [["desk"]]);
    },
  },
  {
    name: "binds named parameters, each as often as it occurs",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const sql = `select name from item where id = ${fixture.named("id")} or (id = ${fixture.named("id")} + 1 and name <> ${fixture.named("name")}) order by id`;
      assert.deepEqual(await rowsOf(connection, sql, { name: "lamp", id: 1 }), [["pen"], ["desk"]]);
    },
  },
  {
    name: "refuses too few and too many parameters and says how many there are",
    async run({ open, fixture, diagnosed }) {
      await using connection = await open("read");
      const sql = `select name from item where id > ${fixture.placeholder(1)} and id < ${fixture.placeholder(2)}`;
      for (const given of [[], [1], [1, 2, 3]]) {
        const { message } = await diagnosed(rowsOf(connection, sql, given), "INPUT_INVALID");
        assert.match(message, /2/);
      }
      await diagnosed(rowsOf(connection, "select 1", [1]), "INPUT_INVALID");
    },
  },
  {
    name: "refuses a missing and an unknown named parameter by name",
    async run({ open, fixture, diagnosed }) {
      await using connection = await open("read");
      const sql = `select name from item where id = ${fixture.named("wanted")}`;
      assert.match((await diagnosed(rowsOf(connection, sql, {}), "INPUT_INVALID")).message, /wanted/);
      assert.match((await diagnosed(rowsOf(connection, sql, { wanted: 1, spare: 2 }), "INPUT_INVALID")).message, /spare/);
    },
  },
];

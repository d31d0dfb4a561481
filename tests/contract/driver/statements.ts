import assert from "node:assert/strict";
import type { Connection } from "../../../core/contract/driver.ts";
import { answer, cellOf, type DriverCase, never, rowsOf } from "./bench.ts";

export const statements: readonly DriverCase[] = [
  {
    name: "refuses a second statement and runs neither",
    async run({ open, diagnosed }) {
      await using connection = await open("write");
      await rowsOf(connection, "create table twice (id integer)");
      for (const sql of [
        "insert into twice values (1); insert into twice values (2)",
        "insert into twice values (1);;\n/* between */ drop table item",
        "select 1; insert into twice values (3)",
      ]) {
        await diagnosed(rowsOf(connection, sql));
        assert.equal(await cellOf(connection, "select count(*) from twice"), 0, sql);
      }
      await rowsOf(connection, "drop table twice");
    },
  },
  {
    name: "allows blanks, comments and semicolons around one statement",
    async run({ open }) {
      await using connection = await open("read");
      assert.equal(await cellOf(connection, " /* before; */ select 1 ; -- after; select 2\n ;\t/* the end */"), 1);
    },
  },
  {
    name: "refuses text without a statement",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      for (const sql of ["", " \n\t", ";", "-- nothing", "/* nothing */ ;"]) await diagnosed(rowsOf(connection, sql), "SQL_INVALID");
    },
  },
  {
    name: "finds each statement and its kind without running it",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const portable = [
        { sql: "select * from item", kind: "read" },
        { sql: "with x as (select 1 as one) select * from x", kind: "read" },
        { sql: "select * from cheap", kind: "read" },
        { sql: "insert into item (id, name) values (9, 'no')", kind: "write" },
        { sql: "update item set name = 'no'", kind: "write" },
        { sql: "delete from item", kind: "write" },
        { sql: "create table item2 (id integer)", kind: "schema" },
        { sql: "create view view2 as select 1 as one", kind: "schema" },
        { sql: "drop table item", kind: "schema" },
        { sql: "alter table item add column extra integer", kind: "schema" },
        ...fixture.statements,
      ];
      for (const { sql, kind } of portable) assert.deepEqual(await kindsOf(connection, sql), [kind], sql);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
    },
  },
  {
    name: "finds every statement of a longer text",
    async run({ open }) {
      await using connection = await open("read");
      const found = await connection.analyze("select ';' as \";\"; /* ; */ delete from item -- ;\n;; select 2;");
      assert.deepEqual(
        found.map(({ kind }) => kind),
        ["read", "write", "read"],
      );
      for (const blank of ["", " ", ";;", "-- select 1", "/* select 1 */"]) assert.deepEqual(await connection.analyze(blank), [], blank);
    },
  },
  {
    name: "analyzes statements that have parameters",
    async run({ open, fixture }) {
      await using connection = await open("read");
      assert.deepEqual(await kindsOf(connection, `select * from item where id = ${fixture.placeholder(1)}`), ["read"]);
    },
  },
  {
    name: "shows the plan of a statement without running it",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const options = { signal: never, batchSize: 100, analyze: false };
      const plan = await connection.explain("select i.name from item i join maker m on m.id = i.maker_id", [], options);
      assert.ok(plan.trim().split("\n").length > 1, plan);
      assert.match(plan, /item|\bi\b/i);
      assert.notEqual(await connection.explain(fixture.endless, [], options), "");
    },
  },
  {
    name: "shows the plan of a statement whose parameters are given",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const plan = await connection.explain(`select * from item where id = ${fixture.placeholder(1)}`, [1], {
        signal: never,
        batchSize: 100,
        analyze: false,
      });
      assert.notEqual(plan, "");
    },
  },
  {
    name: "measures a plan by running it",
    async run({ open }) {
      await using connection = await open("read");
      const plan = await connection.explain("select * from item", [], { signal: never, batchSize: 100, analyze: true });
      assert.notEqual(plan, "");
    },
  },
  {
    name: "explains one statement only",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      await diagnosed(connection.explain("select 1; select 2", [], { signal: never, batchSize: 100, analyze: false }));
    },
  },
  {
    name: "runs statements that return no rows",
    async run({ open }) {
      await using connection = await open("write");
      const { columns, rows } = await answer(connection, "create table brief (id integer)");
      assert.deepEqual([columns.length, rows.length], [columns.length, 0]);
      await rowsOf(connection, "drop table brief");
    },
  },
];

const kindsOf = async (connection: Connection, sql: string) => (await connection.analyze(sql)).map(({ kind }) => kind);

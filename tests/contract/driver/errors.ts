import assert from "node:assert/strict";
import { type DriverCase, never, rowsOf } from "./bench.ts";

export const errors: readonly DriverCase[] = [
  {
    name: "says where a syntax error is",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      const sql = "select 'frm' as frm, id frm item";
      const { message, position } = await diagnosed(rowsOf(connection, sql), "SQL_INVALID");
      assert.match(message, /frm|item/);
      assert.ok(position === sql.indexOf("frm item") || position === sql.indexOf("item"), `position ${position}`);
      await diagnosed(connection.analyze(sql), "SQL_INVALID");
    },
  },
  {
    name: "says that a statement ends too early",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      for (const sql of ["select 1 +", "select * from item where", "select 'open"]) await diagnosed(rowsOf(connection, sql), "SQL_INVALID");
    },
  },
  {
    name: "names the table that is missing",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      const { message, missing } = await diagnosed(rowsOf(connection, "select * from itms"), "SQL_INVALID");
      assert.match(message, /"itms"/);
      assert.equal(missing, "itms");
    },
  },
  {
    name: "names the column that is missing",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      const { message, missing } = await diagnosed(rowsOf(connection, "select nmae from item"), "SQL_INVALID");
      assert.match(message, /"nmae"/);
      assert.equal(missing, "nmae");
    },
  },
  {
    name: "names the function that is missing",
    async run({ open, diagnosed }) {
      await using connection = await open("read");
      assert.match((await diagnosed(rowsOf(connection, "select no_such_function(1)"), "SQL_INVALID")).message, /no_such_function/);
    },
  },
  {
    name: "tells broken constraints from broken SQL",
    async run({ open, diagnosed }) {
      await using connection = await open("write");
      await diagnosed(rowsOf(connection, "insert into maker (id, name) values (3, 'Ada')"), "CONSTRAINT_VIOLATED");
      await diagnosed(rowsOf(connection, "insert into maker (id, name) values (1, 'Eve')"), "CONSTRAINT_VIOLATED");
      await diagnosed(rowsOf(connection, "insert into maker (id, name) values (4, null)"), "CONSTRAINT_VIOLATED");
      assert.deepEqual(await rowsOf(connection, "select id from maker order by id"), [[1], [2]]);
    },
  },
  {
    name: "reports an error in the middle of the rows",
    async run({ open, fixture, diagnosed }) {
      await using connection = await open("read");
      await diagnosed(rowsOf(connection, fixture.failsHalfway));
      assert.deepEqual(await rowsOf(connection, "select id from item where id = 1"), [[1]]);
    },
  },
  {
    name: "says why a target cannot be opened",
    async run({ driver, fixture, diagnosed }) {
      for (const { target, code } of fixture.unreachable) {
        const opening = driver.connect(target, { signal: never, readOnly: true });
        await diagnosed(opening, code).catch((error) => assert.fail(`${target.location}: ${error}`));
      }
    },
  },
  {
    name: "does not claim errors that are not its own",
    async run({ driver }) {
      for (const foreign of [new Error("something else"), new TypeError("x is not a function"), "text", null, undefined]) {
        assert.equal(driver.diagnose(foreign), undefined);
      }
    },
  },
];

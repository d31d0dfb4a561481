import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import type { Diagnosis } from "../../core/contract/problem.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { never, rejection, rowsOf } from "../contract/driver/bench.ts";

const driver = createDuckdbDriver();

/** A statement, the diagnosis it must get, and the text its position must be at. */
const cases: readonly (readonly [sql: string, expected: Partial<Diagnosis>, at?: string])[] = [
  ["selec 1", { code: "SQL_INVALID", message: 'Syntax error at or near "selec"' }, "selec"],
  ["select '😀é' as x, id frm item", { code: "SQL_INVALID", message: 'Syntax error at or near "item"' }, "item"],
  ["select 'open", { code: "SQL_INVALID", message: `Unterminated quoted string at or near "'open"` }, "'open"],
  ["select 1 where", { code: "SQL_INVALID", message: "Syntax error at end of input" }],
  [
    "select '😀é', nmae from item",
    { code: "SQL_INVALID", message: 'Column "nmae" does not exist', missing: "nmae", hint: 'Did you mean "name"?' },
    "nmae",
  ],
  [
    "select i.nmae from item i",
    { code: "SQL_INVALID", message: 'Column "nmae" does not exist', missing: "nmae", hint: 'Did you mean "name"?' },
    "i.nmae",
  ],
  [
    "select x.name from item",
    { code: "SQL_INVALID", message: 'Table or alias "x" is not in the FROM clause', missing: "x", hint: 'Did you mean "item"?' },
    "x.name",
  ],
  ["/* so */ explain  (analyze) select nmae from item", { message: 'Column "nmae" does not exist' }, "nmae"],
  ["from itme", { code: "SQL_INVALID", message: 'Table "itme" does not exist', missing: "itme" }, "itme"],
  ["insert into itme values (1)", { code: "SQL_INVALID", message: 'Table "itme" does not exist', missing: "itme" }],
  [
    "insert into item (nmae) values ('x')",
    { code: "SQL_INVALID", message: 'Column "nmae" does not exist', missing: "nmae", hint: 'Did you mean "name"?' },
  ],
  ["select lowr('x')", { code: "SQL_INVALID", message: 'Function "lowr" does not exist', hint: 'Did you mean "lower"?' }, "lowr"],
  [
    "select lower(1, 2)",
    {
      code: "SQL_INVALID",
      message: "No function fits lower(INTEGER_LITERAL, INTEGER_LITERAL)",
      hint: "Cast the arguments for one of: lower(VARCHAR) -> VARCHAR",
    },
    "lower",
  ],
  ["select st_point(1, 2)", { code: "UNSUPPORTED", message: 'This needs the DuckDB extension "spatial", which is not part of tidegate' }],
  ["select 'secret'::integer", { code: "SQL_INVALID", message: "A value cannot be converted to INT32" }, "::"],
  ["select 2147483647::integer + 1::integer", { code: "SQL_INVALID", message: "Overflow in addition of INT32" }],
  ["select error('x')", { code: "SQL_INVALID", message: "The statement fails: x" }],
  ["set local threads = 1", { code: "UNSUPPORTED", message: "DuckDB does not do this: SET LOCAL is not implemented" }],
  ["select error('Too few items!')", { code: "SQL_INVALID", message: "Too few items" }],
  [
    "insert into item values (1, 'secret')",
    { code: "CONSTRAINT_VIOLATED", message: "A row with the same primary key or unique value exists" },
  ],
  ["insert into item values (2, null)", { code: "CONSTRAINT_VIOLATED", message: "NOT NULL constraint failed: item.name" }],
  [
    "insert into item values (-1, 'x')",
    { code: "CONSTRAINT_VIOLATED", message: "CHECK constraint failed on table item with expression CHECK((id > 0))" },
  ],
  ["insert into part values (9)", { code: "CONSTRAINT_VIOLATED", message: "A foreign key leads nowhere, or something still leads here" }],
  ["copy item to '/tmp/x.csv'", { code: "POLICY_DENIED" }],
  ["select 1; select 2", { code: "SQL_INVALID", message: "The text holds 2 statements: one is allowed" }],
  ["-- nothing", { code: "SQL_INVALID", message: "The text holds no statement" }],
  ["select $1, $b", { code: "UNSUPPORTED" }],
  ["select $2", { code: "SQL_INVALID", message: "The numbers of the parameters have a gap" }],
];

describe("errors of duckdb", () => {
  let connection: Connection;
  before(async () => {
    connection = await driver.connect({ scheme: "duckdb", location: ":memory:", options: {} }, { readOnly: false, signal: never });
    await rowsOf(connection, "create table item (id integer primary key check (id > 0), name varchar not null)");
    await rowsOf(connection, "create table part (item integer references item (id))");
    await rowsOf(connection, "insert into item values (1, 'one')");
  });
  after(() => connection[Symbol.asyncDispose]());

  for (const [sql, expected, at] of cases) {
    it(`explains ${sql}`, async () => {
      const found = driver.diagnose(await rejection(rowsOf(connection, sql)));
      assert.deepEqual({ ...found, ...expected }, found);
      assert.ok(!JSON.stringify(found).includes("secret"), "an error never repeats a value");
      if (at !== undefined) assert.equal(found?.position, sql.lastIndexOf(at));
    });
  }

  it("names the parameters that are missing and those that are too many", async () => {
    const told = async (sql: string, params: Parameters<Connection["query"]>[1]) =>
      driver.diagnose(await rejection(rowsOf(connection, sql, params)))?.message;
    assert.equal(
      await told("select $a, $b", { b: 1, c: 2 }),
      "The parameters do not fit the statement: no value for $a, and nothing takes $c",
    );
    assert.equal(await told("select $a", [1, 2]), "The statement takes the parameters $a by name, but 2 parameters by position were given");
    assert.equal(await told("select ?, ?", [1]), "The statement takes 2 parameters, but 1 parameter by position was given");
    assert.equal(await told("select 1", [1]), "The statement takes no parameters, but 1 parameter by position was given");
    assert.match((await told("select ?", [[1, 2]])) ?? "", /^Parameter 1 is a list or a record/);
    assert.deepEqual(await rowsOf(connection, "select $1, $2, $1", { 1: "x", 2: true }), [["x", true, "x"]]);
  });

  it("binds whole numbers as a literal would be", async () => {
    assert.deepEqual(
      await rowsOf(connection, "select date '2024-01-01' + ?, round(1.25, ?), typeof(?), typeof(?), typeof(?)", [
        1,
        1,
        2 ** 31,
        2n ** 64n,
        1.5,
      ]),
      [["2024-01-02", "1.3", "BIGINT", "HUGEINT", "DOUBLE"]],
    );
  });

  it("offers no setting that is locked for what is nested too deeply", async () => {
    const found = driver.diagnose(await rejection(rowsOf(connection, `select ${"1 + ".repeat(1200)}1`)));
    assert.equal(found?.message, "An expression is nested deeper than 1000 levels");
    assert.match(found.hint ?? "", /^Nest less/);
  });

  it("counts positions in the text it was given, also when that explains already", async () => {
    for (const sql of [
      "explain select nmae from item",
      "explain (analyze) select nmae from item",
      "select nmae from item",
      "explain selec nmae",
    ]) {
      const failing = connection.explain(sql, [], { signal: never, batchSize: 1, analyze: false });
      const { position } = driver.diagnose(await rejection(failing)) ?? {};
      assert.equal(position, sql.endsWith("item") ? sql.indexOf("nmae") : sql.indexOf("selec"), sql);
    }
  });

  it("runs again after every error", async () => {
    for (const [sql] of cases) await rejection(rowsOf(connection, sql));
    assert.deepEqual(await rowsOf(connection, "select id, name from item"), [[1, "one"]]);
  });
});

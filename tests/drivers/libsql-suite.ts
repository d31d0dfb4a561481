import type { Driver, Target } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import type { Cannot, DriverFixture } from "../contract/driver.ts";

const count = (rows: string) => `with recursive n(i) as (select 1 union all select i + 1 from n ${rows})`;
const as = (declared: string, ...values: readonly Value[]) => values.map((value) => ({ declared, value, expected: value }));

const blocks = "the engine blocks its thread, and only ending its process stops it";

/** What a file cannot do in the process of its caller; core runs it in one of its own, where it can. */
export const inProcess: readonly Cannot[] = [
  { test: "stops a statement that has not given a row yet", reason: blocks },
  { test: "stops at a time limit", reason: blocks },
];

export const cannot: readonly Cannot[] = [
  { test: "writes files its own way", reason: "libSQL writes no format but its own" },
  { test: "measures a plan by running it", reason: "libSQL has no EXPLAIN ANALYZE", fails: "UNSUPPORTED" },
];

export function driverOf(contribution: { readonly drivers?: readonly Driver[] }): Driver {
  const [driver] = contribution.drivers ?? [];
  if (driver === undefined) throw new TypeError("The plugin offers no driver");
  return driver;
}

/** What is libSQL's own in the driver suite. */
export function libsqlFixture(unreachable: DriverFixture["unreachable"]): DriverFixture {
  return {
    values: [
      { type: "bigint", declared: "integer", literal: "9223372036854775807", expected: 9223372036854775807n },
      { type: "bigint", declared: "bigint", literal: "-9223372036854775807 - 1", expected: -9223372036854775808n },
      { type: "bigint", declared: "smallint", literal: "9007199254740991", expected: 9007199254740991 },
      { type: "bigint", declared: "integer", literal: "-9007199254740992", expected: -9007199254740992n },
      { type: "bigint", declared: "integer", literal: "'abc'", expected: "abc" },
      { type: "bigint", declared: "integer", literal: "1.5", expected: 1.5 },
      { type: "boolean", declared: "boolean", literal: "true", expected: true },
      { type: "boolean", declared: "bool", literal: "2", expected: 2 },
      { type: "float", declared: "double precision", literal: "5e-324", expected: 5e-324 },
      { type: "float", declared: "float", literal: "-9e999", expected: -Infinity },
      { type: "float", declared: "real", literal: "0.1 + 0.2", expected: 0.1 + 0.2 },
      { type: "float", declared: "real", literal: "-1234567.0625", expected: -1234567.0625 },
      { type: "float", declared: "real", literal: "1e21", expected: 1e21 },
      { type: "decimal", declared: "decimal(10,2)", literal: "1.005", expected: 1.005 },
      { type: "decimal", declared: "numeric", literal: "'12345678901234567890123'", expected: 1.2345678901234568e22 },
      { type: "text", declared: "varchar(20)", literal: "'é😀' || char(1, 9, 127)", expected: "é😀\u0001\t\u007f" },
      { type: "text", declared: "text", literal: "'a' || char(0) || 'b'", expected: "a\0b" },
      { type: "text", declared: "text", literal: "char(0)", expected: "\0" },
      { type: "text", declared: "text", literal: "char(65279, 65533) || 'kept'", expected: "\ufeff\ufffdkept" },
      { type: "text", declared: "clob", literal: "42", expected: "42" },
      { type: "bytes", declared: "blob", literal: "x'00ff7f'", expected: new Uint8Array([0, 255, 127]) },
      { type: "bytes", declared: "blob", literal: "x''", expected: new Uint8Array() },
      { type: "bytes", declared: "blob", literal: "'text'", expected: "text" },
      { type: "bytes", declared: "F32_BLOB(2)", literal: "vector('[1,-2]')", expected: new Uint8Array([0, 0, 128, 63, 0, 0, 0, 192]) },
      { type: "date", declared: "date", literal: "'-4712-01-01'", expected: "-4712-01-01" },
      { type: "time", declared: "time", literal: "'24:00:00'", expected: "24:00:00" },
      { type: "timestamp", declared: "datetime", literal: "1700000000", expected: 1700000000 },
      {
        type: "timestamptz",
        declared: "timestamp with time zone",
        literal: "'9999-12-31T23:59:59.999999+14:00'",
        expected: "9999-12-31T23:59:59.999999+14:00",
      },
      { type: "interval", declared: "interval", literal: "'1 day'", expected: "1 day" },
      { type: "json", declared: "json", literal: `'{"a": 1.0}'`, expected: '{"a": 1.0}' },
      {
        type: "uuid",
        declared: "uuid",
        literal: "'C0FFEE00-0000-4000-8000-00000000000A'",
        expected: "C0FFEE00-0000-4000-8000-00000000000A",
      },
    ],
    parameters: [
      ...as("integer", 2, 2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 63n - 1n, -(2n ** 63n)),
      ...as("real", -0, 1.5, 5e-324, 2 ** 53, Number.POSITIVE_INFINITY),
      ...as("text", "", 'it\'s "so"\n\\', "é😀", " ", "a\0b"),
      ...as("blob", new Uint8Array(), new Uint8Array([0, 39, 255])),
      { declared: "integer", value: true, expected: 1 },
    ],
    placeholder: () => "?",
    named: (name) => `:${name}`,
    manyRows: (rows) => `${count(`limit ${rows}`)} select i, printf('%0200d', i) from n`,
    endless: `${count("")} select sum(i) from n`,
    failsHalfway: `${count("limit 9000")} select i, abs(iif(i = 6000, -9223372036854775807 - 1, i)) from n`,
    writeAttempts,
    statements,
    unreachable,
  };
}

const writeAttempts: DriverFixture["writeAttempts"] = [
  "replace into item (id, name) values (1, 'no')",
  "insert into item (id, name) values (1, 'no') on conflict (id) do update set name = 'no'",
  "with x as (select 1) delete from item where id in x",
  "delete from item returning id",
  "update sqlite_schema set sql = sql",
  "create temp table item2 (id integer)",
  "create virtual table item2 using fts5 (name)",
  "create trigger trigger2 after insert on item begin delete from maker; end",
  "reindex item_by_name",
  "analyze",
  "vacuum",
  "vacuum into '/tmp/tidegate-no-such-copy.db'",
  "attach '/tmp/tidegate-no-such-other.db' as other",
  "detach main",
  "begin",
  "begin readonly",
  "begin immediate",
  "commit",
  "savepoint a",
  "pragma query_only = 0",
  "pragma query_only(0)",
  "explain pragma query_only = 0",
  "/* x */ explain query plan pragma main.query_only = off",
  "pragma user_version = 7",
  "pragma journal_mode = wal",
  "pragma writable_schema = on",
  "pragma wal_checkpoint",
  "pragma optimize",
  "select load_extension('x')",
  "select fts3_tokenizer('simple')",
  "select writefile('/tmp/tidegate-no-such-file', 'x')",
  "select readfile('/etc/hostname')",
  "select sha3_query('select 1')",
  "select geopoly_debug(1)",
  "select * from fsdir('/etc')",
  "select * from [fsdir]('/etc')",
  "select (with a as (select WriteFile('/tmp/tidegate-no-such-file', 'x') as b) select b from a)",
];

const statements: DriverFixture["statements"] = [
  { sql: "values (1)", kind: "read" },
  { sql: "pragma table_info(item)", kind: "read" },
  { sql: "pragma user_version", kind: "read" },
  { sql: "select * from pragma_table_info('item')", kind: "read" },
  { sql: "explain select 1", kind: "read" },
  { sql: "explain query plan delete from item", kind: "write" },
  { sql: "insert into item (id, name) values (9, 'no') returning id", kind: "write" },
  { sql: "with x as (select 1) delete from item where id in x", kind: "write" },
  { sql: "replace into item (id) values (1)", kind: "write" },
  { sql: "create temp table item2 (id integer)", kind: "schema" },
  { sql: "create virtual table item2 using fts5 (name)", kind: "schema" },
  { sql: "create trigger t after insert on item begin delete from maker; select case when 1 then 2 end; end", kind: "schema" },
  { sql: "analyze", kind: "schema" },
  { sql: "reindex", kind: "schema" },
  { sql: "drop table if exists no_such_table", kind: "schema" },
  { sql: "begin", kind: "session" },
  { sql: "rollback", kind: "session" },
  { sql: "savepoint a", kind: "session" },
  { sql: "pragma query_only = 0", kind: "session" },
  { sql: "pragma optimize", kind: "session" },
  { sql: "pragma no_such_pragma", kind: "session" },
  { sql: "attach ':memory:' as other", kind: "admin" },
  { sql: "detach other", kind: "admin" },
  { sql: "vacuum", kind: "admin" },
  { sql: "/* x */ explain vacuum into 'x'", kind: "admin" },
  { sql: "select load_extension('x')", kind: "admin" },
  { sql: "insert into item (id, name) select 9, readfile('/etc/hostname')", kind: "admin" },
  { sql: "select * from fsdir('/etc')", kind: "admin" },
];

export function targetAt(scheme: string, location: string, options: Target["options"] = {}): Target {
  return { scheme, location, options };
}

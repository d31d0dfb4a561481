import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { answer, never, rowsOf } from "../contract/driver/bench.ts";

/** Types whose text is DuckDB's own, each made from a random 64-bit integer `r`. */
const asText: Readonly<Record<string, string>> = {
  "DECIMAL(5,4)": "(r % 99999)::DECIMAL(18,0) / 10000",
  "DECIMAL(9,0)": "r % 999999999",
  "DECIMAL(18,6)": "(r % 999999999999999999)::DECIMAL(38,0) / 1000000",
  "DECIMAL(38,37)": "((r % 99999999999999999)::DECIMAL(38,18) / 100000000000000000)",
  DATE: "DATE '1970-01-01' + (r % 2000000)::INTEGER",
  TIME: "TIME '00:00:00' + to_microseconds(abs(r % 86400000000))",
  TIMESTAMP: "make_timestamp(r // 3)",
  TIMESTAMP_S: "make_timestamp(r // 1000)",
  TIMESTAMP_MS: "make_timestamp(r // 3)",
  TIMESTAMP_NS: "make_timestamp_ns(r // 3)",
  TIMESTAMPTZ: "to_timestamp((r // 3000000)::DOUBLE / 1000)",
  TIMETZ:
    "(lpad((abs(r) % 24)::VARCHAR, 2, '0') || ':30:00.25' || if(r > 0, '+', '-') || lpad((abs(r // 7) % 16)::VARCHAR, 2, '0') || if(r % 2 = 0, ':30', ''))",
  INTERVAL: "to_months((r % 500)::INTEGER) + to_days((r % 70)::INTEGER) + to_microseconds(r % 999999999999)",
  UUID: "md5(r::VARCHAR)::UUID",
  BIT: "r::BIT",
  VARCHAR: "repeat(chr(65279), (abs(r) % 3)::INTEGER) || r::VARCHAR || repeat(chr(128512), (abs(r) % 5)::INTEGER)",
};

describe("values of duckdb", () => {
  let connection: Connection;
  before(async () => {
    connection = await createDuckdbDriver().connect(
      { scheme: "duckdb", location: ":memory:", options: {} },
      { readOnly: true, signal: never },
    );
  });
  after(() => connection[Symbol.asyncDispose]());

  for (const [type, made] of Object.entries(asText)) {
    it(`writes ${type} as the engine does`, async () => {
      const source = `select (${made})::${type} as v from (select ((hash(i) >> 1)::BIGINT) * if(i % 2 = 0, 1, -1) as r from range(3000) t(i)) where r is not null`;
      const { rows } = await answer(connection, `select v, v::VARCHAR, [v], {'f': v} from (${source})`);
      assert.equal(rows.length, 3000);
      for (const [value, text, list, struct] of rows) {
        assert.equal(value, text);
        assert.deepEqual(list, [text]);
        assert.deepEqual(struct, { f: text });
      }
    });
  }

  it("gives a FLOAT as the shortest number that is the same float", async () => {
    const { rows } = await answer(
      connection,
      "select ((hash(i) % 16777216)::FLOAT * pow(2, (i % 240 - 140)::INTEGER))::FLOAT as v, v::VARCHAR from range(20000) t(i)",
    );
    for (const [value, text] of rows) {
      assert.equal(Math.fround(value as number), Math.fround(Number(text)));
      assert.ok(String(value).length <= String(Number(text)).length, `${value} for ${text}`);
    }
  });

  it("gives integers as numbers up to 2^53 and as bigints beyond", async () => {
    const bounds = [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) + 1n, -(2n ** 53n), 2n ** 32n, -1n, 0n, 2n ** 63n - 1n];
    for (const type of ["BIGINT", "HUGEINT", "BIGNUM"]) {
      const { rows } = await answer(connection, `select unnest([${bounds.join(", ")}])::${type}`);
      const expected = bounds.map((bound) => [
        BigInt(Number(bound)) === bound && Number.isSafeInteger(Number(bound)) ? Number(bound) : bound,
      ]);
      assert.deepEqual(rows, expected, type);
    }
  });

  it("reads every type the engine has, at its extremes and NULL", async () => {
    const { columns, rows } = await answer(connection, "select * from test_all_types()");
    assert.equal(rows.length, 3);
    const unknown = columns.filter(({ type }) => type === "unknown");
    assert.deepEqual(unknown, []);
    assert.ok(rows[2]?.every((value) => value === null));
  });

  it("reads nested values with NULL at every level", async () => {
    const sql = `select unnest([
      {'a': [MAP {'k': [1, NULL]}, NULL], 'b': NULL},
      NULL,
      {'a': NULL, 'b': {'c': 12345678901234567890123::HUGEINT, 'd': '\\xFF'::BLOB}}])`;
    const expected: Value[][] = [
      [{ a: [{ k: [1, null] }, null], b: null }],
      [null],
      [{ a: null, b: { c: 12345678901234567890123n, d: new Uint8Array([255]) } }],
    ];
    assert.deepEqual(await rowsOf(connection, sql), expected);
  });

  it("finds texts wherever the engine keeps them", async () => {
    const long = "'a text of more than twelve bytes: é ' || i";
    for (const source of [
      `select if(i % 3 = 0, NULL, if(i % 5 = 0, 'short', ${long})) as v from range(9000) t(i)`,
      `select repeat('x', (i % 4000)::INTEGER) as v from range(9000) t(i)`,
      `select 'one of seven different texts, ' || (i % 7) as v from range(9000) t(i)`,
      `select v from range(9000) t(i) left join (select i, [${long}, NULL, 'x']::VARCHAR[3] as v from range(9000) t(i) where i % 3 = 0) using (i)`,
      `select if(i % 3 = 0, NULL, {'a': ${long}, 'b': [${long}, NULL]}) as v from range(9000) t(i) where i % 7 < 5`,
      `select MAP {${long}: [i::VARCHAR]} as v from range(9000) t(i)`,
      `select list(${long} order by i) as v from range(9000) t(i) group by i % 100`,
    ]) {
      const { rows } = await answer(connection, `select v, to_json(v)::VARCHAR from (${source})`);
      for (const [value, json] of rows) assert.deepEqual(value, JSON.parse((json ?? "null") as string));
    }
  });

  it("gives a struct without names as a list, and a union by its member", async () => {
    assert.deepEqual(
      await rowsOf(connection, "select row(1, 'x'), union_value(n := 2), NULL::UNION(n INTEGER), union_value(n := NULL::INTEGER)"),
      [[[1, "x"], { n: 2 }, null, { n: null }]],
    );
  });

  it("reads variants and geometry", async () => {
    const sql =
      "select {'a': [1, NULL, 9007199254740993], 'b': 'x'}::VARIANT, 1.5::DECIMAL(4,2)::VARIANT, '2024-01-01 00:00:00+02'::TIMESTAMPTZ::VARIANT, NULL::VARIANT";
    assert.deepEqual(await rowsOf(connection, sql), [
      [{ a: [1, null, 9007199254740993n], b: "x" }, "1.50", "2023-12-31 22:00:00+00", null],
    ]);
    const [[point]] = (await rowsOf(connection, "select 'POINT(1 2)'::GEOMETRY")) as [[Uint8Array]];
    assert.equal(new DataView(point.buffer, point.byteOffset).getFloat64(5, true), 1);
  });

  it("keeps UTC whatever the zone of the process", async () => {
    assert.deepEqual(
      await rowsOf(
        connection,
        "select current_setting('TimeZone'), '2024-07-01 12:00:00'::TIMESTAMPTZ, '2024-07-01 12:00:00+00'::TIMESTAMPTZ::VARCHAR",
      ),
      [["UTC", "2024-07-01 12:00:00+00", "2024-07-01 12:00:00+00"]],
    );
  });

  it("reads columns with some NULLs in every batch size", async () => {
    const sql = "select if(i % 3 = 0, NULL, i)::INTEGER, if(i % 5 = 0, NULL, i::VARCHAR), if(i % 7 = 0, NULL, i) from range(5000) t(i)";
    const expected = Array.from({ length: 5000 }, (_, i) => [
      i % 3 === 0 ? null : i,
      i % 5 === 0 ? null : String(i),
      i % 7 === 0 ? null : i,
    ]);
    for (const batchSize of [1000, 2048, 10_000, 7]) assert.deepEqual((await answer(connection, sql, [], batchSize)).rows, expected);
  });
});

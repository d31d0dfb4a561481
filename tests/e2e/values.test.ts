import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tempFolder, tidegate } from "../support/binary.ts";

/** SQL expression → how it must look in CSV. */
const duckdb: readonly (readonly [string, string])[] = [
  ["9223372036854775807", "9223372036854775807"],
  ["18446744073709551615::ubigint", "18446744073709551615"],
  ["-170141183460469231731687303715884105727::hugeint", "-170141183460469231731687303715884105727"],
  ["12345678901234567890123456789.123456789::decimal(38,9)", "12345678901234567890123456789.123456789"],
  ["'nan'::double", "NaN"],
  ["'-infinity'::double", "-Infinity"],
  ["0.1::float", "0.1"],
  ["date '1500-02-28'", "1500-02-28"],
  ["date '0044-03-15 (BC)'", "0044-03-15 (BC)"],
  ["timestamp '2024-03-10 02:30:00.123456'", "2024-03-10 02:30:00.123456"],
  ["timestamptz '2024-03-10 02:30:00+05:30'", "2024-03-09 21:00:00+00"],
  ["time '23:59:59.999999'", "23:59:59.999999"],
  ["interval '1 year 2 months 3 days 04:05:06'", "1 year 2 months 3 days 04:05:06"],
  ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
  ["'\\x00\\xFF'::blob", "AP8="],
  ["[1, null, 3]", '"[1,null,3]"'],
  ["{'a': 1, 'b': 9007199254740993}", '"{""a"":1,""b"":""9007199254740993""}"'],
  ["map {'k': 1.5}", '"{""k"":""1.5""}"'],
  ["'b'::enum('a', 'b')", "b"],
  ["null", ""],
  ["''", '""'],
  ["'a\"b,c' || chr(10) || 'd'", '"a""b,c\nd"'],
];

const sqlite: readonly (readonly [string, string])[] = [
  ["9223372036854775807", "9223372036854775807"],
  ["-9223372036854775808", "-9223372036854775808"],
  ["9e999", "Infinity"],
  ["0.1 + 0.2", "0.30000000000000004"],
  ["x'00ff'", "AP8="],
  ["'a' || char(0) || 'b'", "a\0b"],
  ["null", ""],
  ["''", '""'],
];

for (const [engine, target, cases] of [
  ["DuckDB", ":memory:", duckdb],
  ["SQLite", "sqlite::memory:", sqlite],
] as const) {
  describe(`values from ${engine} through the binary`, () => {
    for (const zone of ["America/Chicago", "Pacific/Apia", "UTC"]) {
      it(`are exact with TZ=${zone}`, async () => {
        const sql = `select ${cases.map(([expression], n) => `${expression} as c${n}`).join(", ")}`;
        const { stdout, stderr } = await tidegate(["query", target, sql], { env: { TZ: zone } });
        const body = stdout.slice(stdout.indexOf("\n") + 1);
        assert.equal(body, `${cases.map(([, csv]) => csv).join(",")}\n`, stderr);
      });
    }

    it("keep duplicate and empty column names, and the columns of no rows", async () => {
      assert.equal((await tidegate(["query", target, 'select 1 as x, 2 as x, 3 as "a,b" where 1 = 0'])).stdout, 'x,x,"a,b"\n');
      const json = JSON.parse((await tidegate(["query", target, "select 1 as x, 2 as x", "--format", "json"])).stdout);
      assert.deepEqual(json.rows, [[1, 2]]);
    });

    it("may be ten megabytes wide", async () => {
      const wide = engine === "DuckDB" ? "repeat('x', 10000000)" : "replace(hex(zeroblob(5000000)), '0', 'x')";
      const { stdout } = await tidegate(["query", target, `select ${wide} as wide`], { cwd: tempFolder() });
      assert.equal(stdout.length, "wide\n".length + 10_000_001);
    });
  });
}

describe("text that is not valid Unicode", () => {
  it("is refused rather than altered, and the way out works", async () => {
    const broken = "cast(x'ff41' as text)";
    const refused = await tidegate(["query", "sqlite::memory:", `select ${broken} as t`]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /valid Unicode[\s\S]*Try: .*cast/);
    assert.equal((await tidegate(["query", "sqlite::memory:", `select cast(${broken} as blob) as t`])).stdout, "t\n/0E=\n");
  });
});

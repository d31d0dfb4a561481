import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { EncodeOptions } from "../../core/contract/export.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, streamOf } from "../contract/exporter.ts";
import { extremes, type Table, toldApart } from "../contract/exporter-tables.ts";
import { csvOf, parquetOfCsv } from "../contract/parquet-of-csv.ts";
import { ask, readTable, typesOf } from "../contract/read-duckdb.ts";

const parquet = formatNamed("parquet");

const stages = "a column's type is known when all its values are";
const fixture = {
  read: (path: string) => readTable(`read_parquet('${path}')`),
  names: (names: readonly string[]) => toldApart(names, true),
  stages,
  megabytes: 160,
  tables: 15,
};
describeExporter({ exporter: parquet, ...fixture });
describeExporter({ exporter: parquetOfCsv, ...fixture });

/** The type a column gets, for the values it holds. */
async function typeFor(column: Omit<Column, "name">, values: readonly Value[]): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
  try {
    const path = join(folder, "out.parquet");
    const rows = streamOf({ columns: [{ name: "c", ...column }], rows: values.map((value) => [value]) });
    await writeFile(path, await bytesOf(parquet, rows, { tempFolder: folder }));
    return (await typesOf(`'${path}'`))[0]?.[1];
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("parquet", () => {
  it("keeps types, not only values", async () => {
    const kept: string[] = [];
    for (const [index, { type, nativeType }] of extremes.columns.entries()) {
      kept.push(
        `${type} ${await typeFor(
          { type, nativeType },
          extremes.rows.map((row) => row[index] ?? null),
        )}`,
      );
    }
    assert.deepEqual(kept, [
      "boolean BOOLEAN",
      "int BIGINT",
      "bigint BIGINT",
      "bigint UBIGINT",
      "bigint DECIMAL(38,0)",
      "float DOUBLE",
      "float DOUBLE",
      "float DOUBLE",
      "decimal DECIMAL(38,10)",
      "decimal VARCHAR",
      "text VARCHAR",
      "text VARCHAR",
      "bytes BLOB",
      "date DATE",
      "time TIME",
      "timestamp TIMESTAMP",
      "timestamptz TIMESTAMP WITH TIME ZONE",
      "interval VARCHAR",
      "uuid UUID",
      "json JSON",
      "list JSON",
      "unknown VARCHAR",
    ]);
  });

  const widened: readonly (readonly [string, Column["type"], string, readonly Value[], string])[] = [
    ["keeps a float in an integer column", "int", "INTEGER", [1, 1.5], "DOUBLE"],
    ["keeps -0 in an integer column", "int", "INTEGER", [1, -0], "DOUBLE"],
    ["keeps text in an integer column", "int", "INTEGER", [1, "one"], "VARCHAR"],
    ["keeps long integers apart from floats", "int", "INTEGER", [9007199254740993n, 1.5], "VARCHAR"],
    ["keeps integers beyond 64 bits", "bigint", "BIGINT", [2n ** 63n, -1], "DECIMAL(38,0)"],
    ["keeps integers beyond 38 digits", "bigint", "BIGINT", [10n ** 38n], "VARCHAR"],
    ["keeps a decimal that needs more places", "decimal", "DECIMAL(9,2)", ["1.005"], "VARCHAR"],
    ["keeps a decimal that needs more digits", "decimal", "DECIMAL(4,2)", ["100.00"], "VARCHAR"],
    ["keeps a date that is none", "date", "DATE", ["2024-02-30"], "VARCHAR"],
    ["keeps a date's time", "date", "DATE", ["2024-02-28 12:00:00"], "VARCHAR"],
    ["keeps a timestamp's zone", "timestamp", "TIMESTAMP", ["2024-02-28 12:00:00+02"], "VARCHAR"],
    ["keeps a missing zone missing", "timestamptz", "TIMESTAMPTZ", ["2024-02-28 12:00:00"], "VARCHAR"],
    ["keeps nanoseconds", "timestamp", "TIMESTAMP_NS", ["2024-02-28 12:00:00.123456789"], "VARCHAR"],
    ["keeps infinity typed", "timestamp", "TIMESTAMP", ["infinity", "-infinity"], "TIMESTAMP"],
    ["keeps years beyond 9999 typed", "date", "DATE", ["12024-01-01"], "DATE"],
    ["keeps text that is no JSON", "json", "JSON", ["{"], "VARCHAR"],
    ["takes an expression's type from its values", "unknown", "", [1, 2], "BIGINT"],
    ["reads 4-byte integers as such", "int", "INT4", [1, null], "INTEGER"],
  ];
  for (const [behaviour, type, nativeType, values, expected] of widened) {
    it(behaviour, async () => assert.equal(await typeFor({ type, nativeType }, values), expected));
  }

  const declared: readonly (readonly [string, Column["type"], string, readonly string[], string, readonly string[]])[] = [
    ["truths and floats in any spelling", "boolean", "boolean", ["t", "f"], "BOOLEAN", ["true", "false"]],
    [
      "floats with exponents",
      "float",
      "double precision",
      ["1e+15", "-0", "NaN", "-Infinity"],
      "DOUBLE",
      ["1000000000000000.0", "-0.0", "nan", "-inf"],
    ],
    ["a decimal that is none", "decimal", "numeric(4,2)", ["1.50", "NaN"], "VARCHAR", ["1.50", "NaN"]],
    ["decimals of any size", "decimal", "numeric", ["1".repeat(60)], "VARCHAR", ["1".repeat(60)]],
    ["dates before Christ and without end", "date", "date", ["0044-03-15 BC", "infinity"], "DATE", ["0044-03-15 (BC)", "infinity"]],
    [
      "dates beyond the format",
      "timestamp",
      "timestamp",
      ["294276-12-31 23:59:59", "294260-01-01 00:00:00"],
      "VARCHAR",
      ["294276-12-31 23:59:59", "294260-01-01 00:00:00"],
    ],
    ["the zone of a time", "time", "time with time zone", ["12:00:00+02"], "VARCHAR", ["12:00:00+02"]],
    ["unsigned integers", "bigint", "BIGINT UNSIGNED", ["18446744073709551615"], "UBIGINT", ["18446744073709551615"]],
  ];
  for (const [what, type, nativeType, texts, expected, values] of declared) {
    it(`keeps ${what} of typed CSV`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
      try {
        const path = join(folder, "out.parquet");
        const csv = {
          ...csvOf(streamOf({ columns: [{ name: "c", type, nativeType }], rows: texts.map((text) => [text]) })),
          rows: texts.length,
        };
        const chunks = parquet.encodeCsv?.(csv, { tempFolder: folder, signal: new AbortController().signal });
        await writeFile(path, Buffer.concat(await Array.fromAsync(chunks ?? [])));
        assert.deepEqual(await typesOf(`'${path}'`), [["c", expected]]);
        assert.deepEqual(
          await ask(`SELECT c::VARCHAR FROM '${path}'`),
          values.map((value) => [value]),
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it("keeps rows in order over many files of staged text, line ends and all", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
    try {
      const path = join(folder, "out.parquet");
      const columns: Column[] = [
        { name: "n", type: "int", nativeType: "int" },
        { name: "t", type: "text", nativeType: "text" },
      ];
      const long = '"line\n,"\n\r\n'.repeat(20);
      const rows = Array.from({ length: 150_000 }, (_, index) => [index, `${index}${long}`]);
      const chunks = parquet.encodeCsv?.(csvOf(streamOf({ columns, rows }, 1000)), {
        tempFolder: folder,
        signal: new AbortController().signal,
      });
      await writeFile(path, Buffer.concat(await Array.fromAsync(chunks ?? [])));
      const wrong = `SELECT count(*), count(*) FILTER (n <> place OR t <> n || '${long}') FROM (SELECT *, row_number() OVER () - 1 AS place FROM '${path}')`;
      assert.deepEqual(await ask(wrong), [[150_000n, 0n]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("reads PostgreSQL's BC dates as BC", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
    try {
      const path = join(folder, "out.parquet");
      const columns: Column[] = [
        { name: "d", type: "date", nativeType: "date" },
        { name: "t", type: "timestamptz", nativeType: "timestamptz" },
      ];
      const rows = streamOf({ columns, rows: [["0044-03-15 BC", "0044-03-15 12:00:00+00 BC"]] });
      await writeFile(path, await bytesOf(parquet, rows, { tempFolder: folder }));
      assert.deepEqual(await ask(`SELECT d::VARCHAR, t::VARCHAR FROM '${path}'`), [["0044-03-15 (BC)", "0044-03-15 (BC) 12:00:00+00"]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("leaves nothing behind in its folder, whether it ends well or not", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
    const caller = new AbortController();
    const rows = {
      ...streamOf(extremes),
      async *[Symbol.asyncIterator]() {
        yield* streamOf(extremes);
        caller.abort(new Error("enough"));
      },
    };
    try {
      await bytesOf(parquet, streamOf(extremes), { tempFolder: folder });
      await assert.rejects(bytesOf(parquet, rows, { tempFolder: folder, signal: caller.signal }), /enough/);
      assert.deepEqual(await readdir(folder), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses a result without columns", () =>
    assert.rejects(bytesOf(parquet, streamOf({ columns: [], rows: [] })), { code: "INPUT_INVALID" }));
});

describe("a Parquet file", () => {
  const written = async (table: Table, options: Partial<EncodeOptions> = {}) => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-parquet-"));
    const path = join(folder, "out.parquet");
    await writeFile(path, await bytesOf(parquet, streamOf(table, 1000), { tempFolder: folder, ...options }));
    return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  };

  it("says who wrote it and what its columns were, quotes and all", async () => {
    const columns: Column[] = [{ name: `it's "n"`, type: "decimal", nativeType: "numeric(4,2)" }];
    await using file = await written({ columns, rows: [["1.50"]] }, { writer: "tidegate 1.2.3" });
    const metadata = await ask(`SELECT decode(key), decode(value) FROM parquet_kv_metadata('${file.path}') ORDER BY ALL`);
    assert.deepEqual(metadata, [
      ["tidegate.columns", JSON.stringify(columns)],
      ["tidegate.writer", "tidegate 1.2.3"],
    ]);
  });

  it("is compressed with zstd, in row groups", async () => {
    const rows = Array.from({ length: 300_000 }, (_, index): Value[] => [index]);
    await using file = await written({ columns: [{ name: "n", type: "int", nativeType: "" }], rows });
    const groups = await ask(`SELECT any_value(compression), count(*), sum(row_group_num_rows) FROM parquet_metadata('${file.path}')`);
    assert.deepEqual(
      groups.map((row) => row.map(String)),
      [["ZSTD", "3", "300000"]],
    );
  });

  it("tells of each column that does not hold its type", async () => {
    const told: string[] = [];
    const columns: Column[] = [
      { name: "price", type: "decimal", nativeType: "numeric(4,2)" },
      { name: "day", type: "date", nativeType: "date" },
      { name: "wait", type: "interval", nativeType: "interval" },
      { name: "n", type: "int", nativeType: "" },
      { name: "big", type: "int", nativeType: "INT4" },
    ];
    await using _ = await written({ columns, rows: [["NaN", "2024-02-29", "1 day", 1.5, 2 ** 40]] }, { note: (text) => told.push(text) });
    assert.deepEqual(told, [
      'column "wait": text',
      'column "price": text, because not every value is of type numeric(4,2)',
      'column "n": DOUBLE, because not every value is of type int',
      'column "big": BIGINT, because not every value is of type INT4',
    ]);
  });
});

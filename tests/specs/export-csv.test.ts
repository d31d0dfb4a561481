import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Column } from "../../core/contract/rows.ts";
import { csvCell, csvHeader, csvRow } from "../../core/export/csv.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { extremes, textOf } from "../contract/exporter-tables.ts";
import { findPython } from "../support/python.ts";

describeExporter({ exporter: formatNamed("csv"), read: readCsv });
describeExporter({ exporter: formatNamed("tsv"), read: readTsv });

/** DuckDB reads CSV strictly: quoted empty text is text, an empty field is NULL. */
async function readCsv(path: string, columns: readonly Column[]): Promise<Found> {
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    const names = columns.map((_, index) => `c${index}: 'VARCHAR'`).join(", ");
    const result = await connection.runAndReadAll(
      `FROM read_csv('${path}', auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', nullstr='', allow_quoted_nulls=false, parallel=false, columns={${names}})`,
    );
    const [header = [], ...rows] = result.getRows() as (string | null)[][];
    return { names: header.map((name) => name ?? ""), rows };
  } finally {
    connection.closeSync();
  }
}

/** PostgreSQL's text form, read as its manual describes it. */
async function readTsv(path: string): Promise<Found> {
  const meant: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n", "\\": "\\" };
  const lines = (await readFile(path, "utf8")).split("\n");
  assert.equal(lines.pop(), "");
  const [names = [], ...rows] = lines.map((line) =>
    line.split("\t").map((cell) => (cell === "\\N" ? null : cell.replace(/\\(.)/g, (_, letter: string) => meant[letter] ?? letter))),
  );
  return { names: names.map((name) => name ?? ""), rows };
}

describe("csv", () => {
  const cases: readonly (readonly [string, Parameters<typeof csvCell>[0], string])[] = [
    ["leaves NULL empty", null, ""],
    ["quotes empty text", "", '""'],
    ["doubles quotes", 'a"b', '"a""b"'],
    ["quotes commas and line ends", "a,b\r\n", '"a,b\r\n"'],
    ["keeps what looks like a formula", "=1+1", "=1+1"],
    ["keeps the sign of zero", -0, "-0"],
    ["writes special floats as words", Number.NEGATIVE_INFINITY, "-Infinity"],
    ["writes every digit of an integer", 123456789012345678901234567890n, "123456789012345678901234567890"],
    ["writes bytes as base64", new Uint8Array([0, 255]), "AP8="],
    ["writes lists as JSON, exact inside", [1, 9007199254740993n, -0, Number.NaN, null], '"[1,""9007199254740993"",-0.0,""NaN"",null]"'],
    ["writes records as JSON", { a: true, b: new Uint8Array([1]) }, '"{""a"":true,""b"":""AQ==""}"'],
  ];
  for (const [behaviour, value, expected] of cases) it(behaviour, () => assert.equal(csvCell(value), expected));

  const python = findPython(["csv"]);
  it("is read by Python as the same values, NULL as empty text", {
    skip: typeof python === "function" ? false : python.absent,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-csv-"));
    try {
      const path = join(folder, "out.csv");
      await writeFile(path, await bytesOf(formatNamed("csv"), streamOf(extremes)));
      const script = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], encoding='utf8', newline='')))))";
      const [names, ...rows] = (typeof python === "function" ? await python(script, path) : []) as string[][];
      assert.deepEqual(
        names,
        extremes.columns.map(({ name }) => name),
      );
      assert.deepEqual(
        rows,
        extremes.rows.map((row) => row.map((value) => textOf(value) ?? "")),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("ends lines with a line feed and writes a lone NULL as an empty line", () => {
    assert.equal(csvRow([1, null, "x"]), "1,,x\n");
    assert.equal(csvRow([null]), "\n");
    assert.equal(csvHeader([{ name: "", type: "int", nativeType: "" }]), '""\n');
  });

  it("writes in bulk what it writes cell by cell", async () => {
    const values = [0, 7, 10, 99_999, 100_000, 2147483647, -2147483648, 2 ** 53, 1e21, 1.5, "é".repeat(100), "a".repeat(300_000), 'q"', ""];
    const columns: Column[] = values.map((_, index) => ({ name: `c${index}`, type: "unknown", nativeType: "" }));
    const bytes = await bytesOf(formatNamed("csv"), streamOf({ columns, rows: [values, values] }));
    assert.equal(bytes.toString(), csvHeader(columns) + csvRow(values) + csvRow(values));
  });

  it("cannot make a terminal obey the data", async () => {
    const rows = streamOf({
      columns: [{ name: "t", type: "text", nativeType: "" }],
      rows: [["a\u001b[2Jb\u009bc\rd\u202ee"], ["two\nlines\ttab"]],
    });
    const text = (await bytesOf(formatNamed("csv"), rows, { terminal: { width: 80, colour: true } })).toString();
    assert.equal(text, 't\n"a\\u001b[2Jb\\u009bc\\rd\\u202ee"\n"two\nlines\ttab"\n');
  });
});

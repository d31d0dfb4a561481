import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Column } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { extremes, textOf, toldApart } from "../contract/exporter-tables.ts";
import { findPython } from "../support/python.ts";

describeExporter({ exporter: formatNamed("json"), read: readJson });
describeExporter({
  exporter: formatNamed("ndjson"),
  read: readLines,
  names: toldApart,
  losesColumns: "an object per line has no place for columns when there is no line",
});

async function readJson(path: string): Promise<Found> {
  const { columns, rows } = JSON.parse(await readFile(path, "utf8"));
  return { names: columns.map(({ name }: Column) => name), rows: rows.map((row: never[]) => row.map(textOf)) };
}

async function readLines(path: string, columns: readonly Column[]): Promise<Found> {
  const lines = (await readFile(path, "utf8")).split("\n");
  assert.equal(lines.pop(), "");
  const objects = lines.map((line) => JSON.parse(line));
  const names = toldApart(columns.map(({ name }) => name));
  assert.deepEqual(new Set(Object.keys(objects[0] ?? {})), new Set(names));
  return { names, rows: objects.map((object) => names.map((name) => textOf(object[name]))) };
}

describe("json", () => {
  it("names types beside the columns", async () => {
    const columns: Column[] = [{ name: "n", type: "decimal", nativeType: "DECIMAL(9,2)" }];
    const bytes = await bytesOf(formatNamed("json"), streamOf({ columns, rows: [["1.50"], [null]] }));
    assert.equal(
      bytes.toString(),
      '{"columns":[{"name":"n","type":"decimal","nativeType":"DECIMAL(9,2)"}],"rows":[\n["1.50"],\n[null]\n]}\n',
    );
  });

  const python = findPython(["json"]);
  for (const format of ["json", "ndjson"]) {
    it(`is read by Python as the same values, as ${format}`, { skip: typeof python === "function" ? false : python.absent }, async () => {
      const folder = await mkdtemp(join(tmpdir(), "tidegate-json-"));
      try {
        const path = join(folder, `out.${format}`);
        await writeFile(path, await bytesOf(formatNamed(format), streamOf(extremes)));
        const rows = format === "json" ? "json.load(file)['rows']" : "[list(json.loads(line).values()) for line in file]";
        // Numbers as Python writes them, which is exact for integers; floats are told apart by their own spelling.
        const script = `
import json, sys
file = open(sys.argv[1], encoding='utf8', newline='\\n')
def told(cell): return ['float', repr(cell)] if isinstance(cell, float) else [type(cell).__name__, cell if isinstance(cell, (list, dict)) else str(cell)]
print(json.dumps([[told(cell) for cell in row] for row in ${rows}]))`;
        const found = (typeof python === "function" ? await python(script, path) : []) as [string, unknown][][];
        const text = ([kind, cell]: [string, unknown]) => {
          if (kind === "NoneType") return null;
          if (kind === "float") return Object.is(Number(cell), -0) ? "-0" : String(Number(cell));
          return kind === "bool" ? String(cell).toLowerCase() : typeof cell === "string" ? cell : textOf(cell as never);
        };
        assert.deepEqual(
          found.map((row) => row.map(text)),
          extremes.rows.map((row) => row.map(textOf)),
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it("is read by DuckDB as the same values", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-json-"));
    const connection = await (await DuckDBInstance.create()).connect();
    try {
      const path = join(folder, "out.ndjson");
      await writeFile(path, await bytesOf(formatNamed("ndjson"), streamOf(extremes)));
      const columns = extremes.columns.map(({ name }) => `${name}: 'VARCHAR'`).join(", ");
      const found = (
        await connection.runAndReadAll(`FROM read_json('${path}', format='newline_delimited', columns={${columns}})`)
      ).getRows();
      const plain = extremes.columns.flatMap(({ type }, index) => (type === "list" ? [] : [index]));
      const floats = new Set(extremes.columns.flatMap(({ type }, index) => (type === "float" ? [index] : [])));
      const asRead = (row: readonly unknown[]) =>
        plain.map((index) => (floats.has(index) && row[index] !== null ? Number(row[index]) : row[index]));
      assert.deepEqual(
        found.map(asRead),
        extremes.rows.map((row) => asRead(row.map(textOf))),
      );
    } finally {
      connection.closeSync();
      await rm(folder, { recursive: true });
    }
  });
});

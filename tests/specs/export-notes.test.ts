import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Column, LogicalType, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, streamOf } from "../contract/exporter.ts";

const types: readonly LogicalType[] = [
  "int",
  "bigint",
  "float",
  "decimal",
  "text",
  "bytes",
  "date",
  "timestamptz",
  "interval",
  "uuid",
  "list",
];

async function told(format: string, columns: readonly Column[], rows: readonly (readonly Value[])[] = []): Promise<string[]> {
  const notes: string[] = [];
  const tempFolder = await mkdtemp(join(tmpdir(), "tidegate-notes-"));
  try {
    await bytesOf(formatNamed(format), streamOf({ columns, rows }), { tempFolder, note: (text) => notes.push(text) });
  } finally {
    await rm(tempFolder, { recursive: true });
  }
  return notes;
}

describe("what a format holds instead of a type it has none for is told", () => {
  const all = types.map((type): Column => ({ name: type, type, nativeType: "" }));
  const expected: Readonly<Record<string, readonly string[]>> = {
    csv: ["bytes: base64 text", "list: JSON text"],
    tsv: ["bytes: base64 text", "list: JSON text"],
    markdown: ["bytes: base64 text", "list: JSON text"],
    html: ["bytes: base64 text", "list: JSON text"],
    json: ["bigint: text beyond 9007199254740991", "float: NaN and Infinity are text", "decimal: text", "bytes: base64 text"],
    ndjson: ["bigint: text beyond 9007199254740991", "float: NaN and Infinity are text", "decimal: text", "bytes: base64 text"],
    parquet: ["interval: text", "list: JSON"],
    duckdb: ["interval: text", "list: JSON"],
    arrow: ["interval: text", "uuid: text", "list: JSON text", "decimal: text"],
    arrows: ["interval: text", "uuid: text", "list: JSON text", "decimal: text"],
    sqlite: ["decimal: text", "date: text", "timestamptz: text", "interval: text", "uuid: text", "list: JSON text"],
    copy: ["list: JSON text"],
    sql: [
      "bytes: unhex('…'), which PostgreSQL has not; the format copy is for it",
      "timestamptz: text",
      "interval: text",
      "uuid: text",
      "list: JSON text",
      "decimal: text",
    ],
    xlsx: [
      "int: text beyond 15 digits",
      "bigint: text beyond 15 digits",
      "float: NaN, Infinity and -0 are text",
      "decimal: text beyond 15 digits",
      "bytes: base64 text",
      "date: text before 1900-03-01 or after 9999",
      "timestamptz: text",
      "interval: text",
      "list: JSON text",
    ],
  };
  for (const [format, notes] of Object.entries(expected)) {
    it(`by ${format}`, async () => {
      const wanted = notes.map((note) => note.replace(/^(\w+)/, 'column "$1"'));
      assert.deepEqual(await told(format, all), wanted);
    });
  }

  it("with the name as JSON writes it, whatever is in it", async () => {
    assert.deepEqual(await told("csv", [{ name: 'a"\n', type: "bytes", nativeType: "" }]), ['column "a\\"\\n": base64 text']);
  });

  it("also where only the values say so", async () => {
    const columns: Column[] = [{ name: "n", type: "int", nativeType: "INTEGER" }];
    assert.deepEqual(await told("arrow", columns, [[1.5]]), ['column "n": Float64, because not all of its first values are Int64']);
  });
});

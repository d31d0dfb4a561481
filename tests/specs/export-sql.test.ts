import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { EncodeOptions } from "../../core/contract/export.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { type Table, toldApart } from "../contract/exporter-tables.ts";
import { readTable } from "../contract/read-duckdb.ts";

const refusesMisfits = "a script names each column's type before its values, and the engine that reads it decides";
const losesMixtures = refusesMisfits;
const names = (all: readonly string[]) => toldApart(all, true);
const values = (text: string) => text.replaceAll("\0", "\ufffd");

describeExporter({
  exporter: formatNamed("sql"),
  read: async (path) => readTable("result", await readFile(path, "utf8")),
  names,
  values,
  refusesMisfits,
  losesMixtures,
  tables: 20,
});
describeExporter({ exporter: formatNamed("copy"), read: readCopy, names: toldApart, values, refusesMisfits, losesMixtures });

/** The rows between `COPY` and its end, read as PostgreSQL's manual describes them. */
async function readCopy(path: string, columns: readonly Column[]): Promise<Found> {
  const meant: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n", "\\": "\\" };
  const text = await readFile(path, "utf8");
  const [, list = "", body = ""] = /\nCOPY "result" \((.*?)\) FROM stdin;\n(.*)\\\.\nCOMMIT;\n$/s.exec(text) ?? [];
  const spelt = (cell: string, index: number) => {
    const { type } = columns[index] ?? {};
    if (type === "bytes") return Buffer.from(cell.slice(2), "hex").toString("base64");
    return type?.startsWith("date") || type?.startsWith("timestamp") ? cell.replace(/^(\S+)(.*) BC$/, "$1 (BC)$2") : cell;
  };
  const rows = body
    .split("\n")
    .slice(0, -1)
    .map((line) =>
      line.split("\t").map((cell, index) =>
        cell === "\\N"
          ? null
          : spelt(
              cell.replace(/\\(.)/g, (_, letter: string) => meant[letter] ?? letter),
              index,
            ),
      ),
    );
  return { names: [...list.matchAll(/"((?:[^"]|"")*)"/g)].map(([, name = ""]) => name.replaceAll('""', '"')), rows };
}

const written = async (format: string, table: Table, options: Partial<EncodeOptions> = {}) =>
  (await bytesOf(formatNamed(format), streamOf(table, 100), options)).toString();
const one = (column: Omit<Column, "name">, values: readonly Value[]): Table => ({
  columns: [{ name: "c", ...column }],
  rows: values.map((value) => [value]),
});

describe("sql", () => {
  it("makes one transaction of one table with several rows each statement", async () => {
    const columns: Column[] = [
      { name: "id", type: "int", nativeType: "" },
      { name: "note", type: "text", nativeType: "" },
    ];
    const text = await written(
      "sql",
      {
        columns,
        rows: [
          [1, "it's"],
          [2, null],
        ],
      },
      { name: "notes" },
    );
    assert.equal(
      text,
      [
        "/*!40101 SET NAMES utf8mb4, @tidegate_sql_mode = @@sql_mode, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */;",
        "BEGIN;",
        'CREATE TABLE "notes" (',
        '  "id" bigint,',
        '  "note" text',
        ");",
        '/*!40101 ALTER TABLE "notes" MODIFY "note" longtext */;',
        "/*!40101 START TRANSACTION */;",
        'INSERT INTO "notes" ("id", "note") VALUES',
        "(1, 'it''s'),",
        "(2, NULL);",
        "COMMIT;",
        "/*!40101 SET sql_mode = @tidegate_sql_mode */;",
        "",
      ].join("\n"),
    );
  });

  it("begins a new statement after 500 rows, or sooner after long ones", async () => {
    const statements = async (value: string, count: number) =>
      (await written("sql", one({ type: "text", nativeType: "" }, Array(count).fill(value)))).match(/^INSERT INTO/gm)?.length;
    assert.equal(await statements("x", 500), 1);
    assert.equal(await statements("x", 501), 2);
    assert.equal(await statements("x".repeat(300_000), 3), 3);
  });

  it("keeps a name that would end MySQL's comment out of it", async () => {
    const evil = { name: '*/; DROP TABLE "x"; --', type: "text", nativeType: "" } as const;
    const text = await written("sql", { columns: [evil], rows: [] });
    assert.equal(text.split("\n").filter((line) => line.includes("DROP") && !line.startsWith('  "')).length, 0);
  });

  it("tells what it holds instead", async () => {
    const told: string[] = [];
    const columns: Column[] = [
      { name: "id", type: "uuid", nativeType: "uuid" },
      { name: "price", type: "decimal", nativeType: "numeric" },
      { name: "note", type: "text", nativeType: "text" },
    ];
    await written(
      "sql",
      {
        columns,
        rows: [
          [null, null, "a\0b"],
          [null, null, "\0"],
        ],
      },
      { note: (text) => told.push(text) },
    );
    assert.deepEqual(told, ['column "id": text', 'column "price": text', 'column "note": U+0000 is U+FFFD']);
  });
});

describe("copy", () => {
  it("has PostgreSQL's own types, and spells what PostgreSQL spells otherwise", async () => {
    const columns: Column[] = [
      { name: "b", type: "bytes", nativeType: "BLOB" },
      { name: "d", type: "timestamptz", nativeType: "" },
      { name: "h", type: "bigint", nativeType: "HUGEINT" },
    ];
    const text = await written("copy", { columns, rows: [[new Uint8Array([0, 255]), "0044-03-15 (BC) 12:00:00+00", 10n ** 37n]] });
    assert.equal(
      text,
      `BEGIN;\nCREATE TABLE "result" (\n  "b" bytea,\n  "d" timestamp with time zone,\n  "h" numeric(38,0)\n);\nCOPY "result" ("b", "d", "h") FROM stdin;\n` +
        `\\\\x00ff\t0044-03-15 12:00:00+00 BC\t1${"0".repeat(37)}\n\\.\nCOMMIT;\n`,
    );
  });
});

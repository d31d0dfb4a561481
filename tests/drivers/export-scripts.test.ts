import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Column, LogicalType, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, streamOf } from "../contract/exporter.ts";
import { type Table, textOf } from "../contract/exporter-tables.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const nasty = "it''s \\' ; DROP TABLE x; -- /* */ \\\\ \r\n\t$1 :a `\" é 🐚 \u2028";

/** What every engine holds, by type: the limits are those all of them share. */
const shared: readonly (readonly [LogicalType, string, readonly Value[]])[] = [
  ["boolean", "BOOLEAN", [true, false, null]],
  ["bigint", "BIGINT", [9223372036854775807n, -9223372036854775808n, 0]],
  ["float", "DOUBLE", [5e-324, 1.7976931348623157e308, 1 / 3]],
  ["float", "DOUBLE", [0.1, 1e21, -123456789.125]],
  ["decimal", "DECIMAL(12,2)", ["9999999999.99", "-0.01", "0.00"]],
  ["decimal", "numeric", ["1.10", "-12345678901234567890123456789012345678901234567890.5", "NaN"]],
  ["text", "TEXT", ["", nasty, null]],
  ["text", "TEXT", ["NULL", "\\N", "x".repeat(70_000)]],
  ["date", "DATE", ["9999-12-31", "1900-02-28", null]],
  ["time", "TIME", ["00:00:00", "23:59:59.999999", null]],
  ["timestamp", "TIMESTAMP", ["9999-12-31 23:59:59.999999", "1000-01-01 00:00:00", "2024-03-31 02:30:00.5"]],
  ["timestamptz", "TIMESTAMPTZ", ["2024-06-30 23:59:59.999999+00", "0044-03-15 (BC) 12:00:00+00", null]],
  ["interval", "INTERVAL", ["1 year 2 months -3 days 00:00:00.000001", "00:00:00", null]],
  ["uuid", "UUID", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", null]],
  ["json", "JSON", ["null", '{"a":[1,2.50,"x"],"a":123456789012345678901234567890}', null]],
  ["list", "STRUCT(a BIGINT)[]", [[], [{ a: 9007199254740993n, b: [null, Number.NaN, "é"] }], null]],
];
/** What some of them hold. */
const wide: typeof shared = [
  ["bigint", "HUGEINT", [10n ** 38n - 1n, 1n - 10n ** 38n, 9007199254740993n]],
  ["decimal", "DECIMAL(38,10)", ["9999999999999999999999999999.9999999999", "-0.0000000001", "0.0000000000"]],
];
const special: typeof shared = [["float", "DOUBLE", [Number.NaN, -0, Number.NEGATIVE_INFINITY]]];
const bytes: typeof shared = [["bytes", "BLOB", [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, index) => index), null]]];

function tableOf(...parts: readonly (typeof shared)[]): Table {
  const all = parts.flat();
  return {
    columns: all.map(([type, nativeType], index): Column => ({ name: `c${index} "${type}"`, type, nativeType })),
    rows: [0, 1, 2].map((row) => all.map(([, , values]) => values[row] ?? null)),
  };
}

async function script(format: string, table: Table): Promise<string> {
  return (await bytesOf(formatNamed(format), streamOf(table, 2), { name: "the rows" })).toString();
}

/** One spelling for what engines spell differently. */
function plain(text: string | null, { type }: Column): string | null {
  if (text === null) return null;
  if (type === "float") return Object.is(Number(text), -0) ? "-0" : String(Number(text));
  if (type === "boolean") return { t: "true", f: "false", "1": "true", "0": "false" }[text] ?? text;
  if (type === "interval") return text.replace("mons", "months").replace(/\+(?=\d\d:)/, "");
  if (type === "time" || type === "timestamp") return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  if (type === "timestamptz") return text.replace(/^(\S+)( .*) BC$/, "$1 (BC)$2");
  return type === "bytes" ? text.replaceAll("\n", "") : text;
}

function check(found: readonly (readonly (string | null)[])[], { columns, rows }: Table): void {
  const same = (row: readonly (string | null)[]) => columns.map((column, index) => plain(row[index] ?? null, column));
  assert.deepEqual(
    found.map(same),
    rows.map((row) => same(row.map(textOf))),
  );
}

const quoted = ({ name }: Column) => `"${name.replaceAll('"', '""')}"`;

const postgres = findPostgres();
describe("a script read by PostgreSQL", { skip: typeof postgres === "string" ? false : postgres.absent }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(typeof postgres === "string" ? postgres : "", {});
  });
  after(() => server?.stop());

  const read = (table: Table) => {
    const cells = table.columns.map((column) =>
      column.type === "bytes" ? `encode(${quoted(column)}, 'base64')` : `${quoted(column)}::text`,
    );
    return JSON.parse(
      server.psql(`set timezone = 'UTC'; select json_agg(json_build_array(${cells.join(", ")})) from "the rows"; drop table "the rows"`),
    );
  };

  for (const [format, table] of [
    ["sql", tableOf(shared, wide, special)],
    ["copy", tableOf(shared, wide, special, bytes)],
  ] as const) {
    it(`as ${format} gives the same values`, async () => {
      server.psql(await script(format, table));
      check(read(table), table);
    });
  }
});

const absence = mariaDbAbsence();
describe("a script read by MariaDB", { skip: absence ?? false }, () => {
  let server: MariaDb;
  before(async () => {
    server = await startMariaDb();
  });
  after(() => server?.stop());

  it("as sql gives the same values, whatever mode the session was in", async () => {
    const table = tableOf(shared, wide, bytes);
    const cells = table.columns.map((column) => {
      const name = `\`${column.name}\``;
      return column.type === "bytes" ? `to_base64(${name})` : `cast(${name} as char)`;
    });
    const mode = "select @@sql_mode";
    const output = server.run(
      `create database d; use d; ${mode};\n${await script("sql", table)}${mode}; select hex(json_array(${cells.join(", ")})) from \`the rows\``,
    );
    const [modeBefore, modeAfter, ...rows] = output.trim().split("\n");
    assert.equal(modeAfter, modeBefore);
    check(
      rows.map((row) => JSON.parse(Buffer.from(row, "hex").toString())),
      table,
    );
  });
});

const isFloat = ({ columns }: Table, index: number) => columns[index]?.type === "float";

const shell = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].find((path) => existsSync(path));
describe("a script read by SQLite's shell", { skip: shell === undefined && "sqlite3 is not installed" }, () => {
  it("as sql gives the same values, floats in the 15 digits that older ones read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-script-"));
    try {
      const table = tableOf(shared);
      const cells = table.columns.map((column) => (column.type === "float" ? `printf('%!.15g', ${quoted(column)})` : quoted(column)));
      const select = `select json_group_array(json_array(${cells.join(", ")})) from "the rows";`;
      const output = execFileSync(shell ?? "", [join(folder, "x.db")], {
        input: `${await script("sql", table)}${select}`,
        encoding: "utf8",
      });
      const found = JSON.parse(output.replaceAll(/(?<=[[,])-?\d{16,}(?=[\],])/g, '"$&"')) as (string | number | null)[][];
      const decimal = table.columns.findIndex(({ nativeType }) => nativeType === "DECIMAL(12,2)");
      check(
        found.map((row) => row.map((cell, index) => (cell === null ? null : index === decimal ? Number(cell).toFixed(2) : String(cell)))),
        {
          ...table,
          rows: table.rows.map((row) => row.map((cell, index) => (isFloat(table, index) ? Number(Number(cell).toPrecision(15)) : cell))),
        },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

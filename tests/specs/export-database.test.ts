import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EncodeOptions, Exporter } from "../../core/contract/export.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, streamOf } from "../contract/exporter.ts";
import { numbers } from "../contract/exporter-memory.ts";
import { extremes, type Table, toldApart } from "../contract/exporter-tables.ts";
import { ask, readTable, typesOf } from "../contract/read-duckdb.ts";
import { readDatabase, readSqlite } from "../contract/read-sqlite.ts";
import { findPython } from "../support/python.ts";
import { smallDisk } from "../support/services-disk.ts";

const sqlite = formatNamed("sqlite");
const duckdb = formatNamed("duckdb");
const python = findPython(["sqlite3"]);
const stages = "a database is no stream: its first page changes until the last row is there";
const names = (all: readonly string[]) => toldApart(all, true);

if (typeof python === "function") {
  describeExporter({ exporter: sqlite, read: (path, columns) => readSqlite(path, columns, python), names, stages, tables: 15 });
} else it("sqlite is read back", { skip: python.absent });
describeExporter({
  exporter: duckdb,
  read: (path) => readTable("d.result", `ATTACH '${path}' AS d (READ_ONLY)`),
  names,
  stages,
  megabytes: 160,
  tables: 15,
});

const disk = smallDisk(2);
after(() => ("absent" in disk ? undefined : disk.remove()));

describe("a database", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidegate-database-"));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (exporter: Exporter, table: Table, options: Partial<EncodeOptions> = {}) => {
    const path = join(folder, `out.${exporter.format}`);
    await writeFile(path, await bytesOf(exporter, streamOf(table, 2), { tempFolder: folder, ...options }));
    return path;
  };
  const one = (column: Omit<Column, "name">, values: readonly Value[]): Table => ({
    columns: [{ name: "c", ...column }],
    rows: values.map((value) => [value]),
  });

  for (const exporter of [sqlite, duckdb]) {
    it(`of ${exporter.format} leaves nothing beside it, whether it ends well or not`, async () => {
      const caller = new AbortController();
      const rows = {
        ...streamOf(extremes),
        async *[Symbol.asyncIterator]() {
          yield* streamOf(extremes);
          caller.abort(new Error("enough"));
        },
      };
      const own = await mkdtemp(join(folder, "own-"));
      await bytesOf(exporter, streamOf(extremes), { tempFolder: own });
      await assert.rejects(bytesOf(exporter, rows, { tempFolder: own, signal: caller.signal }), /enough/);
      assert.deepEqual(await readdir(own), []);
    });

    it(`of ${exporter.format} says so when the disk is full, and leaves nothing on it`, {
      skip: "absent" in disk ? disk.absent : false,
    }, async () => {
      if ("absent" in disk) return;
      await assert.rejects(bytesOf(exporter, numbers(500_000), { tempFolder: disk.folder }), {
        code: "LIMIT_EXCEEDED",
        message: /: no space is left$/,
      });
      assert.deepEqual(await readdir(disk.folder), []);
    });

    it(`of ${exporter.format} needs columns`, () =>
      assert.rejects(bytesOf(exporter, streamOf({ columns: [], rows: [] })), { code: "INPUT_INVALID", message: /no columns$/ }));
  }

  it("of DuckDB has the types of the columns, and the table the name of the file", async () => {
    const path = await write(duckdb, extremes, { name: 'order"s; drop' });
    const types = await typesOf('d."order_s_ drop"', `ATTACH '${path}' AS d (READ_ONLY)`);
    assert.deepEqual(types.map(([, type]) => type).slice(0, 6), ["BOOLEAN", "BIGINT", "BIGINT", "UBIGINT", "DECIMAL(38,0)", "DOUBLE"]);
    assert.deepEqual(await ask("SELECT database_name, table_name FROM duckdb_tables()", `ATTACH '${path}' AS d (READ_ONLY)`), [
      ["d", "order_s_ drop"],
    ]);
  });

  describe("of SQLite", { skip: typeof python === "function" ? false : python.absent }, () => {
    const read = (path: string) => readDatabase(path, typeof python === "function" ? python : async () => assert.fail());
    const stored = async (column: Omit<Column, "name">, values: readonly Value[]) => {
      const { tables, rows } = await read(await write(sqlite, one(column, values), { name: "t" }));
      return [tables, rows.map(([cell]) => cell)];
    };
    const table = (type: string) => [["t", `CREATE TABLE "t" ("c" ${type}) STRICT`]];

    it("has strict types, and one table named after the file", async () => {
      assert.deepEqual(await stored({ type: "int", nativeType: "" }, [1, null]), [
        table("INTEGER"),
        [
          ["int", "1"],
          ["NoneType", null],
        ],
      ]);
      assert.deepEqual(await stored({ type: "float", nativeType: "" }, [1]), [table("REAL"), [["float", "1.0"]]]);
      assert.deepEqual(await stored({ type: "decimal", nativeType: "" }, ["1.10"]), [table("TEXT"), [["str", "1.10"]]]);
    });

    it("takes any value in a column that turns out to hold more than it declares", async () => {
      const told: string[] = [];
      const columns: Column[] = [
        { name: "ok", type: "boolean", nativeType: "BOOL" },
        { name: "n", type: "float", nativeType: "REAL" },
      ];
      const rows: Value[][] = [
        [true, 1],
        [false, 2.5],
        [null, -0],
        ["maybe", Number.NaN],
        [true, 3],
      ];
      const path = await write(sqlite, { columns, rows }, { name: "t", note: (text) => told.push(text) });
      const found = await read(path);
      assert.deepEqual(
        found.rows.map((row) => row.map((cell) => cell.join(" "))),
        [
          ["str true", "float 1.0"],
          ["str false", "float 2.5"],
          ["NoneType ", "float -0.0"],
          ["str maybe", "str NaN"],
          ["str true", "float 3.0"],
        ],
      );
      assert.deepEqual(found.tables, [["t", 'CREATE TABLE "t" ("ok" ANY, "n" ANY) STRICT']]);
      assert.deepEqual(told, [
        'column "ok": values of several types, because not all are BOOL',
        'column "n": values of several types, because not all are REAL',
      ]);
    });

    it("refuses more columns than SQLite has", async () => {
      const columns = Array.from({ length: 2001 }, (_, index): Column => ({ name: `c${index}`, type: "int", nativeType: "" }));
      await assert.rejects(write(sqlite, { columns, rows: [] }), { code: "LIMIT_EXCEEDED" });
    });
  });
});

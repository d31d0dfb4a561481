import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { pathFacts } from "../../core/connection/path.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const driver = createDuckdbDriver();

describe("data files of duckdb", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tidegate-duckdb-files-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const open = (location: string, options: Record<string, string> = {}, readOnly = true) =>
    driver.connect({ scheme: "duckdb", location, options }, { readOnly, signal: never });
  const place = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const views = async (location: string) => {
    await using connection = await open(location);
    return (await connection.catalog.read({ detail: "names", signal: never })).map(({ name }) => name);
  };
  const diagnosis = async (failing: Promise<unknown>) => driver.diagnose(await rejection(failing));

  it("reads each kind of file by its name", async () => {
    const csv = "id,name\n1,Ada\n2,\n";
    const json = '[{"id": 1, "name": "Ada"}, {"id": 2, "name": null}]';
    const lines = '{"id": 1, "name": "Ada"}\n{"id": 2, "name": null}\n';
    const paths = [
      place("kinds/a.csv", csv),
      place("kinds/b.TSV", csv.replaceAll(",", "\t")),
      place("kinds/c.csv.gz", gzipSync(csv)),
      place("kinds/d.csv.zst", zstdCompressSync(csv)),
      place("kinds/e.json", json),
      place("kinds/f.ndjson", lines),
      place("kinds/g.jsonl.gz", gzipSync(lines)),
    ];
    await using writer = await open(paths[0] as string);
    const parquet = join(folder, "kinds/h.parquet");
    await writer.fileWriters?.parquet?.("select id::INTEGER as id, name from a", [], parquet, { signal: never });
    for (const path of [...paths, parquet]) {
      assert.ok(driver.claims?.(pathFacts(path)), path);
      await using connection = await open(path);
      const [name = ""] = await views(path);
      assert.deepEqual(
        await rowsOf(connection, `select id, name from "${name}" order by id`),
        [
          [1, "Ada"],
          [2, null],
        ],
        path,
      );
    }
  });

  it("claims databases by their header, and nothing that is not its own", async () => {
    const path = join(folder, "shop.db");
    await using connection = await open(path, { create: "true" }, false);
    await rowsOf(connection, "create table t (a integer)");
    await rowsOf(connection, "checkpoint");
    assert.ok(driver.claims?.(pathFacts(path)));
    assert.ok(!driver.claims?.(pathFacts(place("other.db", "SQLite format 3\0"))));
    assert.ok(!driver.claims?.(pathFacts(place("letter.txt", "Dear all"))));
    assert.ok(!driver.claims?.(pathFacts(place("packed.parquet.gz", gzipSync("x")))));
    assert.ok(driver.claims?.(pathFacts(folder)));
    assert.ok(driver.claims?.(pathFacts(join(folder, "*.csv"))));
    assert.ok(driver.claims?.(pathFacts(join(folder, "{a,b}.csv"))));
  });

  it("makes a view of every readable file in a folder, with names that are safe and stay apart", async () => {
    for (const name of ["Sales 2024.csv", "sales-2024.csv", "2024.csv", "--.csv", "order.csv", "über.csv", "order.json", "notes.txt"]) {
      place(`folder/${name}`, name.endsWith("json") ? '{"a": 1}' : "a\n1\n");
    }
    place("folder/below/deep.csv", "a\n1\n");
    assert.deepEqual(await views(join(folder, "folder")), ["Sales_2024", "_2024", "data", "order", "order_json", "sales_2024_csv", "über"]);
  });

  it("leaves out the sidecars of files that tidegate exported", async () => {
    for (const name of [
      "orders.csv",
      "orders.csv.meta.json",
      "own.meta.json",
      "split-0001.csv",
      "split-0002.csv",
      "split.csv.meta.json",
      ".meta.json",
    ])
      place(`exported/${name}`, name.endsWith("json") ? '{"a": 1}' : "a\n1\n");
    assert.deepEqual(await views(join(folder, "exported")), ["orders", "own_meta", "split_0001", "split_0002"]);
  });

  it("keeps a folder usable when one of its files is not", async () => {
    place("mixed/good.csv", "a\n1\n");
    place("mixed/torn.parquet", "PAR1 torn PAR1");
    await using connection = await open(join(folder, "mixed"));
    assert.equal(await cellOf(connection, "select a from good"), 1);
    const found = await diagnosis(rowsOf(connection, "from torn"));
    assert.match(found?.message ?? "", /torn\.parquet": it is not a Parquet file/);
    const alone = await diagnosis(open(join(folder, "mixed/torn.parquet")));
    assert.equal(alone?.code, "INPUT_INVALID");
  });

  it("makes a view of every file of a glob, and one of all that have the same columns", async () => {
    place("months/sales-01.csv", "id,total\n1,10\n");
    place("months/sales-02.csv", "TOTAL,id\n20.5,2\n");
    await using connection = await open(join(folder, "months/sales-*"));
    assert.deepEqual(await rowsOf(connection, "from sales_01"), [[1, 10]]);
    assert.deepEqual(await rowsOf(connection, "from sales_02"), [[20.5, 2]]);
    assert.deepEqual(await rowsOf(connection, "select id, total from sales order by id"), [
      [1, 10],
      [2, 20.5],
    ]);
    assert.deepEqual(await views(join(folder, "months/*.csv")), ["months", "sales_01", "sales_02"]);
    assert.deepEqual(await views(join(folder, "mon*/sales-0[12].csv")), ["sales_0", "sales_01", "sales_02"]);
    assert.deepEqual(await views(join(folder, "months/sales-01*")), ["sales_01"]);
    place("months/sales.csv", "id,total\n3,30\n");
    assert.deepEqual(await views(join(folder, "months/sales*.csv")), ["sales", "sales_01", "sales_02", "sales_all"]);
  });

  it("keeps files of a glob apart that have other columns, are of another kind, or cannot be read", async () => {
    place("apart/a.csv", "id\n1\n");
    place("apart/b.csv", "id,note\n1,x\n");
    place("apart/c.json", '{"id": 1}');
    place("apart/d.parquet", "torn");
    assert.deepEqual(await views(join(folder, "apart/[ab].csv")), ["a", "b"]);
    assert.deepEqual(await views(join(folder, "apart/[ac].*")), ["a", "c"]);
    await using connection = await open(join(folder, "apart/*"));
    assert.deepEqual(await rowsOf(connection, "select a.id, note, c.id from a, b, c"), [[1, "x", 1]]);
    assert.match((await diagnosis(rowsOf(connection, "from d")))?.message ?? "", /d\.parquet/);
  });

  it("reads the choices in braces, and names files alike after their folder", async () => {
    for (const path of ["choice/2024/sales.csv", "choice/2025/sales.csv", "choice/2025/costs.csv"]) place(path, "a\n1\n");
    assert.deepEqual(await views(join(folder, "choice/{2024,2025}/{sales,none}.csv")), ["_2024_sales", "_2025_sales", "choice"]);
    assert.deepEqual(await views(join(folder, "choice/2025/{sales,costs}.csv")), ["_2025", "costs", "sales"]);
  });

  it("says that no file matches, or none that it reads", async () => {
    place("letters/a.txt", "Dear all");
    for (const pattern of ["letters/*.foo", "letters/*.csv", "letters/{b,c}.csv"]) {
      const path = join(folder, pattern);
      const found = await diagnosis(open(path));
      assert.deepEqual([found?.code, found?.message], ["NOT_FOUND", `No file matches "${path}"`]);
    }
    assert.equal((await diagnosis(open(join(folder, "letters/*.txt"))))?.code, "INPUT_INVALID");
  });

  it("tells the files a target is made of, without opening it", async () => {
    const [a, b] = [place("made/a.csv", "a\n1\n"), place("made/b.json", "{}")];
    place("made/notes.txt", "");
    const files = (location: string) => driver.files?.({ scheme: "duckdb", location: join(folder, location), options: {} });
    assert.deepEqual(await files("made/a.csv"), [a]);
    assert.deepEqual(await files("made"), [a, b]);
    assert.deepEqual(await files("made/*.{csv,json}"), [a, b]);
    assert.deepEqual(await files("none/*.csv"), []);
  });

  it("says what is wrong with a damaged file in its own words", async () => {
    for (const [name, content, message] of [
      ["none.parquet", "hello this is not parquet", "it is not a Parquet file, or it is incomplete"],
      ["short.parquet", "PAR", "it is not a Parquet file, or it is incomplete"],
      ["one.json", '{"a": 1, "b": }', "it is not JSON throughout: unexpected character"],
      ["lines.json", '{"a": 1}\n{"a" 2}\n', "it is not JSON throughout: unexpected character"],
    ] as const) {
      const path = place(`damaged/${name}`, content);
      const found = await diagnosis(open(path));
      assert.equal(found?.message, `Cannot read "${path}": ${message}`);
      assert.ok(found.hint);
    }
  });

  it("reads paths with quotes, brackets and links", async () => {
    const path = place('odd/it\'s [1] "x".csv', "a\n7\n");
    const link = join(folder, "odd/link.csv");
    symlinkSync(path, link);
    for (const location of [path, link]) {
      await using connection = await open(location);
      const [name = ""] = await views(location);
      assert.equal(await cellOf(connection, `select a from "${name}"`), 7, location);
    }
  });

  it("takes the options of the target for CSV", async () => {
    const path = place("options/latin.csv", "a;b\n001;-\n");
    await using connection = await open(path, { delim: ";", all_varchar: "true", header: "true", nullstr: "-", sample_size: "-1" });
    assert.deepEqual(await rowsOf(connection, "from latin"), [["001", null]]);
  });

  it("says which line of a file cannot be read, and nothing that stands in it", async () => {
    const path = place(
      "late.csv",
      `id,code\n${Array.from({ length: 40_000 }, (_, i) => `${i},${i === 35_000 ? "hush" : i}`).join("\n")}\n`,
    );
    await using connection = await open(path);
    const found = await diagnosis(rowsOf(connection, "select max(code) from late"));
    assert.equal(found?.code, "INPUT_INVALID");
    assert.match(found?.message ?? "", /line 35002 of ".*late\.csv": column "code" is not BIGINT/);
    assert.ok(!JSON.stringify(found).includes("hush"));
    await using text = await open(path, { all_varchar: "true" });
    assert.equal(await cellOf(text, "select max(code) from late"), "hush");
  });

  it("says that a file has gone", async () => {
    const path = place("gone.csv", "a\n1\n");
    await using connection = await open(path);
    rmSync(path);
    assert.equal((await diagnosis(rowsOf(connection, "from gone")))?.code, "NOT_FOUND");
  });

  it("describes the views in the catalog", async () => {
    const path = place("described/few.csv", "id,at\n1,2024-01-01\n");
    await using writer = await open(path);
    await writer.fileWriters?.parquet?.("from range(1234) t(n)", [], join(folder, "described/many.parquet"), { signal: never });
    await using connection = await open(join(folder, "described"));
    const [few, many] = await connection.catalog.read({ detail: "columns", signal: never });
    assert.deepEqual([few?.kind, few?.comment, few?.estimatedRows], ["view", `Reads ${path}`, undefined]);
    assert.deepEqual(
      few?.columns?.map(({ name, type }) => [name, type]),
      [
        ["id", "bigint"],
        ["at", "date"],
      ],
    );
    assert.equal(many?.estimatedRows, 1234);
  });

  it("never changes a file it reads", async () => {
    const path = place("kept.csv", "a\n1\n");
    const before = readFileSync(path);
    await using connection = await open(path);
    for (const sql of ["insert into kept values (2)", "drop view kept", `copy kept to '${path}'`]) await rejection(rowsOf(connection, sql));
    await connection.proveReadOnly(never);
    assert.deepEqual(readFileSync(path), before);
    assert.equal(await cellOf(connection, "select count(*) from kept"), 1);
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { link, mkdir, mkdtemp, writeFile as put, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Column, Value } from "../../core/contract/rows.ts";
import { type ExportRequest, type ExportSource, exportResult } from "../../core/export/export.ts";
import { exportedFiles } from "../../core/export/job.ts";
import { streamOf } from "../contract/exporter.ts";
import { smallDisk } from "../support/services-disk.ts";

const columns: Column[] = [
  { name: "id", type: "int", nativeType: "INTEGER" },
  { name: "re gion", type: "text", nativeType: "TEXT" },
  { name: "year", type: "int", nativeType: "INTEGER" },
];
const odd = [
  "EU",
  null,
  "",
  "NULL",
  "null",
  "__HIVE_DEFAULT_PARTITION__",
  "007",
  "a b/ü=%é'\"",
  "a.",
  "../up",
  "a\nb\\c",
  "*?:<>|~",
  "日本 🚪",
];
const oddRows = odd.map((value, index): Value[] => [index, value, 2020 + (index % 2)]);

function source(rows: readonly (readonly Value[])[], of = columns): ExportSource {
  return { rows: async () => streamOf({ columns: of, rows }), writer: () => undefined };
}

describe("a partitioned export", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-partition-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));

  const meta = { sql: "select * from t", connection: "shop", traceId: "0af7651916cd43dd8448eb211c80319c", version: "1.2.3" };
  const request = (rest: Partial<ExportRequest> = {}): ExportRequest => ({
    to: join(folder, "out"),
    partitionBy: ["re gion"],
    signal: new AbortController().signal,
    meta,
    ...rest,
  });
  const filesIn = async (path = join(folder, "out")) =>
    (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
      .sort();
  const readBack = async (sql: string) => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    try {
      return (await connection.runAndReadAll(sql)).getRowsJson();
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };

  it("reads back equal in DuckDB, whatever the values are", async () => {
    const report = await exportResult(source(oddRows), request({ partitionBy: ["re gion", "year"] }));
    assert.equal(report.format, "parquet");
    const found = await readBack(
      `select id::int, "re gion", year::int from read_parquet('${folder}/out/**/*.parquet', hive_partitioning = true, hive_types_autocast = false) order by id`,
    );
    assert.deepEqual(found, oddRows);
  });

  it("leaves the columns out of the files, and reports and notes each file", async () => {
    const rows: Value[][] = [
      [1, "EU", 2020],
      [2, "US", 2020],
      [3, "EU", 2021],
    ];
    const report = await exportResult(source(rows), request({ format: "csv" }));
    assert.deepEqual(await filesIn(), [".meta.json", "re gion=EU/part-0.csv", "re gion=US/part-0.csv"]);
    assert.equal(await readFile(join(folder, "out/re gion=EU/part-0.csv"), "utf8"), "id,year\n1,2020\n3,2021\n");
    assert.deepEqual([report.path, report.rows], [join(folder, "out"), 3]);
    const files = exportedFiles(report);
    for (const { path, bytes, sha256 } of files) {
      const content = await readFile(path);
      assert.deepEqual([content.length, createHash("sha256").update(content).digest("hex")], [bytes, sha256]);
    }
    const noted = JSON.parse(await readFile(join(folder, "out/.meta.json"), "utf8"));
    assert.deepEqual(noted.partitionBy, ["re gion"]);
    assert.deepEqual(
      noted.files.map(({ path, rows: count }: { path: string; rows: number }) => [path, count]),
      [
        ["re gion=EU/part-0.csv", 2],
        ["re gion=US/part-0.csv", 1],
      ],
    );
    const list = noted.files.map(({ sha256, path }: { sha256: string; path: string }) => `${sha256}  ${path}\n`).join("");
    assert.equal(noted.sha256, createHash("sha256").update(list).digest("hex"));
  });

  it("makes one file of each value, however many there are and in whatever order they come", async () => {
    const rows = Array.from({ length: 70_000 }, (_, index): Value[] => [index, `r${index % 300}`, 2020]);
    const batches: ExportSource = { rows: async () => streamOf({ columns, rows }, 5_000), writer: () => undefined };
    const report = await exportResult(batches, request({ format: "ndjson", compress: "gz" }));
    assert.deepEqual([report.files?.length, report.rows], [300, 70_000]);
    const [[count, sum, names] = []] = await readBack(
      `select count(*)::int, sum(id)::double, count(distinct "re gion")::int from read_ndjson('${folder}/out/*/*.ndjson.gz', hive_partitioning = true)`,
    );
    assert.deepEqual([count, sum, names], [70_000, 2_449_965_000, 300]);
  });

  it("keeps the order of rows within a value", async () => {
    const rows = Array.from({ length: 2_000 }, (_, index): Value[] => [index, `r${index % 100}`, 2020]);
    await exportResult(source(rows), request({ format: "csv", meta: undefined }));
    const text = await readFile(join(folder, "out/re gion=r99/part-0.csv"), "utf8");
    assert.deepEqual(
      text.trim().split("\n").slice(1),
      Array.from({ length: 20 }, (_, index) => `${index * 100 + 99},2020`),
    );
  });

  it("writes every format, and nothing but its note for no rows", async () => {
    for (const format of ["csv", "tsv", "json", "ndjson", "markdown", "parquet", "arrow", "xlsx"]) {
      const report = await exportResult(source(oddRows), request({ to: join(folder, format), format }));
      assert.equal(report.files?.length, odd.length, format);
    }
    await exportResult(source([]), request());
    assert.deepEqual(await filesIn(), [".meta.json"]);
  });

  it("refuses columns it cannot partition by, before any row", async () => {
    const refused = (partitionBy: readonly string[], message: RegExp, of = columns) =>
      assert.rejects(exportResult(source(oddRows, of), request({ partitionBy })), { code: "INPUT_INVALID", message });
    await refused(["regoin"], /no column "regoin"/);
    await refused([], /No column/);
    await refused(["year", "YEAR"], /named twice/);
    await refused(["id", "re gion", "year"], /Every column/);
    await refused(["year"], /is there 2 times/, [...columns.slice(1), ...columns.slice(2)]);
    assert.deepEqual(await readdir(folder), []);
  });

  it("refuses what is there, and replaces only a folder that an export made, with all that is in it", async () => {
    await exportResult(source(oddRows), request());
    await assert.rejects(exportResult(source(oddRows), request()), { code: "CONFLICT", message: /already exists$/ });
    await exportResult(source([[1, "EU", 2020]]), request({ overwrite: true, format: "csv" }));
    assert.deepEqual(await filesIn(), [".meta.json", "re gion=EU/part-0.csv"]);
    await put(join(folder, "out/mine.txt"), "mine");
    await assert.rejects(exportResult(source(oddRows), request({ overwrite: true })), {
      code: "FORBIDDEN",
      message: /no export wrote "mine\.txt"/,
    });
    await mkdir(join(folder, "other"));
    await put(join(folder, "other/a.csv"), "a\n");
    await assert.rejects(exportResult(source(oddRows), request({ to: join(folder, "other"), overwrite: true })), { code: "FORBIDDEN" });
    await put(join(folder, "file"), "");
    await assert.rejects(exportResult(source(oddRows), request({ to: join(folder, "file"), overwrite: true })), { code: "CONFLICT" });
    assert.deepEqual((await readdir(folder)).sort(), ["file", "other", "out"]);
  });

  it("never replaces a folder in which a connection's file is, by whatever name", async () => {
    await exportResult(source(oddRows), request());
    await symlink(join(folder, "out"), join(folder, "way"));
    for (const path of ["out", "out/re gion=EU/part-0.parquet", "way/re gion=EU"]) {
      const sources = async () => [join(folder, path)];
      for (const to of ["out", "way"])
        await assert.rejects(exportResult(source(oddRows), request({ to: join(folder, to), overwrite: true, sources })), {
          code: "FORBIDDEN",
          message: /belongs to a connection$/,
        });
    }
    await link(join(folder, "out/.meta.json"), join(folder, "beside"));
    await exportResult(source(oddRows), request({ overwrite: true, sources: async () => [join(folder, "out2"), join(folder, "beside")] }));
  });

  it("writes nothing that the statement's own pattern would read", async () => {
    const readFrom = async () => [join(folder, "**/*.parquet")];
    await assert.rejects(exportResult(source(oddRows), request({ readFrom })), {
      code: "FORBIDDEN",
      message: /would read that file as well/,
    });
    assert.deepEqual(await readdir(folder), []);
    await exportResult(source(oddRows), request({ readFrom, format: "csv" }));
  });

  it("leaves nothing when the source fails, the caller leaves, or the folder appears meanwhile", async () => {
    const during = (act: () => Promise<unknown>): ExportSource => ({
      writer: () => undefined,
      rows: async () => ({
        ...streamOf({ columns, rows: [] }),
        async *[Symbol.asyncIterator]() {
          yield { length: 1, columns: [[1], ["EU"], [2020]] };
          await act();
          yield { length: 1, columns: [[2], ["US"], [2020]] };
        },
      }),
    });
    for (const format of ["csv", "parquet", "xlsx"])
      await assert.rejects(
        exportResult(
          during(() => Promise.reject(new Error("broken"))),
          request({ format }),
        ),
        /broken/,
      );
    const caller = new AbortController();
    await assert.rejects(
      exportResult(
        during(async () => caller.abort(new Error("left"))),
        request({ signal: caller.signal }),
      ),
      /left/,
    );
    assert.deepEqual(await readdir(folder), []);
    const racing = during(async () => {
      await mkdir(join(folder, "out"));
      await put(join(folder, "out/first"), "");
    });
    await assert.rejects(exportResult(racing, request()), { code: "CONFLICT" });
    assert.deepEqual([await readdir(folder), await filesIn()], [["out"], ["first"]]);
  });

  it("keeps the old folder, and nothing else, on a full disk", async (test) => {
    const disk = smallDisk(2);
    if ("absent" in disk) return test.skip(disk.absent);
    try {
      const to = join(disk.folder, "out");
      await exportResult(source([[1, "EU", 2020]]), request({ to, format: "csv" }));
      const large = Array.from({ length: 40_000 }, (_, index): Value[] => [index, `r${index % 200}`, `${index}`.repeat(30)]);
      for (const format of ["csv", "parquet"])
        await assert.rejects(exportResult(source(large), request({ to, format, overwrite: true })), {
          code: "LIMIT_EXCEEDED",
          message: /no space is left$/,
        });
      assert.deepEqual([await readdir(disk.folder), await filesIn(to)], [["out"], [".meta.json", "re gion=EU/part-0.csv"]]);
    } finally {
      disk.remove();
    }
  });
});

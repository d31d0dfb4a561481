import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, writeFile as put, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import type { CsvStream } from "../../core/contract/driver.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import { type ExportRequest, type ExportSource, exportResult } from "../../core/export/export.ts";
import { streamOf } from "../contract/exporter.ts";
import { smallDisk } from "../support/services-disk.ts";

const columns: Column[] = [
  { name: "id", type: "int", nativeType: "INTEGER" },
  { name: 'a "name", odd\n', type: "text", nativeType: "TEXT" },
];
const plain = columns.map((column, index) => (index === 0 ? column : { ...column, name: "name" }));

function source(rows: readonly (readonly Value[])[], of: readonly Column[] = plain): ExportSource {
  return { rows: async () => streamOf({ columns: of, rows }), writer: () => undefined };
}

describe("an appended export", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-append-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));

  const meta = { sql: "select 1", connection: "shop", traceId: "0af7651916cd43dd8448eb211c80319c", version: "1.2.3" };
  const request = (name: string, rest: Partial<ExportRequest> = {}): ExportRequest => ({
    to: join(folder, name),
    append: true,
    signal: new AbortController().signal,
    ...rest,
  });
  const text = (name: string) => readFile(join(folder, name), "utf8");

  const contents: Readonly<Record<string, string>> = {
    "a.csv": 'id,"a ""name"", odd\n"\n1,"x\ny"\n2,\n3,""\n',
    "a.tsv": 'id\ta "name", odd\\n\n1\tx\\ny\n2\t\\N\n3\t\n',
    "a.ndjson": '{"id":1,"a \\"name\\", odd\\n":"x\\ny"}\n{"id":2,"a \\"name\\", odd\\n":null}\n{"id":3,"a \\"name\\", odd\\n":""}\n',
  };
  for (const [name, content] of Object.entries(contents)) {
    it(`makes the same ${name.slice(2)} file as one export of all rows`, async () => {
      const first = await exportResult(source([[1, "x\ny"]], columns), request(name));
      assert.equal(first.appended, undefined);
      const before = (await stat(first.path)).size;
      const rest: Value[][] = [
        [2, null],
        [3, ""],
      ];
      const report = await exportResult(source(rest, columns), request(name));
      assert.equal(await text(name), content);
      assert.deepEqual([report.rows, report.bytes, report.appended], [3, content.length, { rows: 2, bytes: content.length - before }]);
      assert.equal(report.sha256, createHash("sha256").update(content).digest("hex"));
      assert.deepEqual(await readdir(folder), [name]);
    });
  }

  it("takes the engine's own CSV, without a header", async () => {
    await put(join(folder, "a.csv"), "id,name\n");
    const csv: CsvStream = {
      columns: plain,
      rows: 2,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from("1,a\n2,\n");
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const report = await exportResult(
      { ...source([]), rows: () => assert.fail("not by rows"), copyOut: async () => csv },
      request("a.csv"),
    );
    assert.deepEqual([await text("a.csv"), report.rows], ["id,name\n1,a\n2,\n", 2]);
  });

  it("appends to what people and other programs wrote: a byte order mark, quotes around every name", async () => {
    await put(join(folder, "a.csv"), '\ufeff"id","name"\n1,x\n');
    await exportResult(source([[2, "y"]]), request("a.csv"));
    assert.equal(await text("a.csv"), '\ufeff"id","name"\n1,x\n2,y\n');
  });

  it("writes an empty file with its header, as it writes a new one", async () => {
    await put(join(folder, "a.csv"), "");
    await exportResult(source([[2, "y"]]), request("a.csv"));
    assert.equal(await text("a.csv"), "id,name\n2,y\n");
  });

  for (const [ending, tool] of [
    ["gz", ["gzip", "-dc"]],
    ["zst", ["zstd", "-dc"]],
  ] as const) {
    it(`adds a member to a ${ending} file, which every reader takes for one`, async (test) => {
      const name = `a.csv.${ending}`;
      for (const id of [1, 2, 3]) await exportResult(source([[id, "x"]]), request(name));
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      const found = await connection.runAndReadAll(`select id::int from read_csv('${join(folder, name)}') order by id`);
      assert.deepEqual(found.getRowsJson(), [[1], [2], [3]]);
      connection.closeSync();
      instance.closeSync();
      const [program, ...flags] = tool;
      try {
        assert.equal(execFileSync(program, [...flags, join(folder, name)], { encoding: "utf8" }), "id,name\n1,x\n2,x\n3,x\n");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return test.skip(`${program} is not there`);
        throw error;
      }
    });
  }

  it("refuses a compressed file that is damaged or cut off", async () => {
    const rows = "id,name\n1,x\n".repeat(1000);
    for (const [name, bytes] of [
      ["cut.csv.gz", gzipSync(rows).subarray(0, -3)],
      ["cut.csv.zst", zstdCompressSync(rows).subarray(0, -3)],
      ["not.csv.gz", Buffer.from(rows)],
      ["not.csv.zst", Buffer.from(rows)],
    ] as const) {
      await put(join(folder, name), bytes);
      await assert.rejects(exportResult(source([]), request(name)), { code: "CONFLICT", message: /compression is damaged$/ }, name);
    }
  });

  const others: readonly (readonly [string, string, RegExp])[] = [
    ["a.csv", "id,title\n1,x\n", /column 2 is "title" there, and "name" in the result$/],
    ["a.csv", "id\n1\n", /column 2 is missing there, and "name" in the result$/],
    ["a.csv", "id,name,more\n", /column 3 is "more" there, and missing in the result$/],
    ["a.csv", "id,name\n1,x", /its last line has no end$/],
    ["a.csv", 'id,name\n1,"x\n', /its last line has no end$/],
    ["a.csv", "id,name\r\n1,x\r\n", /its lines end with CR LF$/],
    ["a.csv", 'id,"name\n', /its last line has no end$/],
    ["a.csv", 'id,"na"me\n', /its first line is no header$/],
    ["a.tsv", "name\tid\n", /column 1 is "name" there, and "id" in the result$/],
    ["a.ndjson", '{"name":"x","id":1}\n', /column 1 is "name" there/],
    ["a.ndjson", "[1]\n", /its first line is no JSON object$/],
    ["a.ndjson", '{"id":1,"name":{"name":2}}\n{"id":2', /its last line has no end$/],
  ];
  for (const [name, content, message] of others) {
    it(`refuses ${JSON.stringify(content)} in ${name} and leaves it as it is`, async () => {
      await put(join(folder, name), content);
      await assert.rejects(exportResult(source([[2, "y"]]), request(name)), { code: "CONFLICT", message });
      assert.equal(await text(name), content);
      assert.deepEqual(await readdir(folder), [name]);
    });
  }

  it("is for formats of lines, and excludes other ways to write", async () => {
    for (const name of ["a.json", "a.parquet", "a.xlsx", "a.md"]) {
      await put(join(folder, name), "there");
      await assert.rejects(exportResult(source([]), request(name)), { code: "UNSUPPORTED", hint: /csv, tsv, ndjson/ });
    }
    for (const rest of [{ overwrite: true }, { split: { rows: 1 } }, { partitionBy: ["id"] }])
      await assert.rejects(exportResult(source([]), request("a.csv", rest)), { code: "INPUT_INVALID", message: /exclude each other$/ });
  });

  it("keeps in the note what the file is now, what made it, and what was added", async () => {
    await exportResult(source([[1, "x"]]), request("a.csv", { meta }));
    await exportResult(source([[2, "y"]]), request("a.csv", { meta: { ...meta, sql: "select 2" } }));
    const { path: _, ...report } = await exportResult(source([[3, "z"]]), request("a.csv", { meta: { ...meta, sql: "select 3" } }));
    const noted = JSON.parse(await text("a.csv.meta.json"));
    assert.deepEqual([noted.sql, noted.rows, noted.bytes, noted.sha256], ["select 1", 3, report.bytes, report.sha256]);
    assert.deepEqual(
      noted.appends.map(({ sql, rows, bytes }: { sql: string; rows: number; bytes: number }) => [sql, rows, bytes]),
      [
        ["select 2", 1, 4],
        ["select 3", 1, 4],
      ],
    );
  });

  it("does not say what made a file that was changed since, and replaces no note of somebody else", async () => {
    await exportResult(source([[1, "x"]]), request("a.csv", { meta }));
    await appendFile(join(folder, "a.csv"), "9,by hand\n");
    await exportResult(source([[2, "y"]]), request("a.csv", { meta: { ...meta, sql: "select 2" } }));
    const noted = JSON.parse(await text("a.csv.meta.json"));
    assert.deepEqual([noted.sql, noted.rows, noted.appends.length, noted.appends[0].sql], [undefined, 3, 1, "select 2"]);
    await put(join(folder, "a.csv.meta.json"), "mine");
    await assert.rejects(exportResult(source([[2, "y"]]), request("a.csv", { meta })), {
      code: "CONFLICT",
      message: /no note of an export/,
    });
  });

  it("leaves the file as it was when the source fails, the caller leaves, or somebody else writes to it", async () => {
    const there = "id,name\n1,x\n";
    const during = (act: () => Promise<unknown>): ExportSource => ({
      ...source([]),
      rows: async () => ({
        ...streamOf({ columns: plain, rows: [] }),
        async *[Symbol.asyncIterator]() {
          yield { length: 1, columns: [[2], ["y".repeat(200_000)]] };
          await act();
          yield { length: 1, columns: [[3], ["z"]] };
        },
      }),
    });
    const caller = new AbortController();
    for (const name of ["a.csv", "b.csv.gz"]) await put(join(folder, name), name.endsWith("gz") ? gzipSync(there) : there);
    for (const name of ["a.csv", "b.csv.gz"])
      await assert.rejects(
        exportResult(
          during(() => Promise.reject(new Error("broken"))),
          request(name),
        ),
        /broken/,
      );
    await assert.rejects(
      exportResult(
        during(async () => caller.abort(new Error("left"))),
        request("a.csv", { signal: caller.signal }),
      ),
      /left/,
    );
    assert.deepEqual([await text("a.csv"), gunzipSync(await readFile(join(folder, "b.csv.gz"))).toString()], [there, there]);
    const other = during(() => appendFile(join(folder, "a.csv"), "8,other\n"));
    await assert.rejects(exportResult(other, request("a.csv")), { code: "CONFLICT", message: /changed by somebody else meanwhile$/ });
    assert.equal(await text("a.csv"), `${there}8,other\n`);
    assert.deepEqual((await readdir(folder)).sort(), ["a.csv", "b.csv.gz"]);
  });

  it("refuses a folder, and what else is no file", async () => {
    await mkdir(join(folder, "a.csv"));
    await assert.rejects(exportResult(source([]), request("a.csv")), { code: "INPUT_INVALID", message: /is a folder$/ });
  });

  it("never appends to a source, and goes through a link", async () => {
    await put(join(folder, "a.csv"), "id,name\n");
    await symlink(join(folder, "a.csv"), join(folder, "link.csv"));
    const sources = async () => [join(folder, "a.csv")];
    await assert.rejects(exportResult(source([[1, "x"]]), request("link.csv", { sources })), { code: "FORBIDDEN" });
    await exportResult(source([[1, "x"]]), request("link.csv"));
    assert.equal(await text("a.csv"), "id,name\n1,x\n");
  });

  it("leaves the file as it was on a full disk", async (test) => {
    const disk = smallDisk(1);
    if ("absent" in disk) return test.skip(disk.absent);
    try {
      const to = join(disk.folder, "a.csv");
      await exportResult(source([[1, "x"]]), request("", { to, meta }));
      const before = await readFile(to);
      const large = Array.from({ length: 10_000 }, (_, index): Value[] => [index, "x".repeat(200)]);
      await assert.rejects(exportResult(source(large), request("", { to, meta })), { code: "LIMIT_EXCEEDED" });
      assert.deepEqual([await readFile(to), (await readdir(disk.folder)).sort()], [before, ["a.csv", "a.csv.meta.json"]]);
    } finally {
      disk.remove();
    }
  });
});

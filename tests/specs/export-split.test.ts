import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, writeFile as put, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import type { CsvStream } from "../../core/contract/driver.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import { type ExportRequest, type ExportSource, exportResult } from "../../core/export/export.ts";
import { formats } from "../../core/export/formats.ts";
import { exportedFiles } from "../../core/export/job.ts";
import { numbered } from "../../core/export/split.ts";
import { readSplit } from "../../core/export/split-size.ts";
import { streamOf } from "../contract/exporter.ts";
import { smallDisk } from "../support/services-disk.ts";

const columns: Column[] = [
  { name: "id", type: "int", nativeType: "INTEGER" },
  { name: "text", type: "text", nativeType: "TEXT" },
];

function rowsTo(count: number, text = "x"): Value[][] {
  return Array.from({ length: count }, (_, index) => [index, text]);
}

function source(rows: readonly (readonly Value[])[], batchRows = 3): ExportSource {
  return { rows: async () => streamOf({ columns, rows }, batchRows), writer: () => undefined };
}

describe("a split", () => {
  const read: readonly (readonly [string, object])[] = [
    ["rows=1000000", { rows: 1_000_000 }],
    ["1000000", { rows: 1_000_000 }],
    ["bytes=100MB", { bytes: 100 * 2 ** 20 }],
    ["100MB", { bytes: 100 * 2 ** 20 }],
    [" bytes = 5000 ", { bytes: 5000 }],
    ["1.5kb", { bytes: 1536 }],
  ];
  for (const [text, split] of read) it(`reads "${text}"`, () => assert.deepEqual(readSplit(text), split));
  for (const text of ["", "0", "-1", "rows=1MB", "rows=", "lines=3", "1e6", "1.5", "100XB"])
    it(`refuses "${text}"`, () => assert.throws(() => readSplit(text), { code: "INPUT_INVALID", hint: /rows=1000000/ }));

  const names: readonly (readonly [string, string])[] = [
    ["/a/b.csv", "/a/b-0001.csv"],
    ["/a/b.csv.gz", "/a/b-0001.csv.gz"],
    ["/a.b/c", "/a.b/c-0001"],
    ["/a/.hidden", "/a/.hidden-0001"],
    ["/a/b.2024.ndjson.zst", "/a/b.2024-0001.ndjson.zst"],
    ["/a/b.gz", "/a/b-0001.gz"],
  ];
  for (const [path, first] of names) it(`numbers ${path}`, () => assert.equal(numbered(path, 1), first));
});

describe("a split export", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-split-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));

  const meta = { sql: "select * from t", connection: "shop", traceId: "0af7651916cd43dd8448eb211c80319c", version: "1.2.3" };
  const request = (rest: Partial<ExportRequest> = {}): ExportRequest => ({
    to: join(folder, "out.csv"),
    split: { rows: 4 },
    signal: new AbortController().signal,
    meta,
    ...rest,
  });
  const inFolder = async () => (await readdir(folder)).sort();
  const text = (name: string) => readFile(join(folder, name), "utf8");

  it("writes files of so many rows, each complete, and one note of all", async () => {
    const report = await exportResult(source(rowsTo(10)), request());
    assert.deepEqual(await inFolder(), ["out-0001.csv", "out-0002.csv", "out-0003.csv", "out.csv.meta.json"]);
    assert.equal(await text("out-0001.csv"), "id,text\n0,x\n1,x\n2,x\n3,x\n");
    assert.equal(await text("out-0003.csv"), "id,text\n8,x\n9,x\n");
    assert.equal(report.rows, 10);
    const noted = JSON.parse(await text("out.csv.meta.json"));
    assert.deepEqual(noted.split, { rows: 4 });
    assert.deepEqual(
      noted.files.map(({ path, rows }: { path: string; rows: number }) => [path, rows]),
      [
        ["out-0001.csv", 4],
        ["out-0002.csv", 4],
        ["out-0003.csv", 2],
      ],
    );
    for (const { path, sha256, bytes } of exportedFiles(report)) {
      const content = await readFile(path);
      assert.deepEqual([content.length, createHash("sha256").update(content).digest("hex")], [bytes, sha256]);
    }
  });

  it("writes no file beyond the last row, and one with its header for no rows", async () => {
    await exportResult(source(rowsTo(8)), request({ meta: undefined }));
    assert.deepEqual(await inFolder(), ["out-0001.csv", "out-0002.csv"]);
    await exportResult(source([]), request({ to: join(folder, "none.csv"), meta: undefined }));
    assert.equal(await text("none-0001.csv"), "id,text\n");
  });

  it("ends a file with the rows that fill it to so many bytes, compressed or not", async () => {
    const noise = Array.from({ length: 20_000 }, (_, index): Value[] => [index, createHash("sha256").update(`${index}`).digest("hex")]);
    // What a compressor holds back differs from one runtime to another.
    for (const [ending, fewest, most] of [
      ["csv", 4, 450_000],
      ["ndjson.gz", 2, 1_000_000],
    ] as const) {
      const { files = [] } = await exportResult(
        source(noise, 500),
        request({ to: join(folder, `noise.${ending}`), split: { bytes: 300_000 } }),
      );
      assert.ok(files.length >= fewest, `${files.length} files`);
      for (const { bytes } of files.slice(0, -1)) assert.ok(bytes >= 300_000 && bytes < most, `${ending}: ${bytes}`);
      assert.equal(
        files.reduce((sum, { rows }) => sum + rows, 0),
        20_000,
      );
    }
    const first = gunzipSync(await readFile(join(folder, "noise-0001.ndjson.gz"))).toString();
    assert.equal(JSON.parse(first.split("\n")[0] ?? "").id, 0);
  });

  it("splits the engine's own CSV by bytes, at rows", async () => {
    const csv: CsvStream = {
      columns,
      rows: 0,
      async *[Symbol.asyncIterator]() {
        for (let index = 0; index < 6; index++) yield Buffer.from(`${index},"a\n""b"\n${index},c\n`);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const ways = { ...source([]), rows: () => assert.fail("not by rows"), copyOut: async () => csv };
    const { files, rows } = await exportResult(ways, request({ split: { bytes: 30 } }));
    assert.deepEqual([files?.map((file) => file.rows), rows], [[4, 4, 4], 12]);
    assert.equal(await text("out-0002.csv"), 'id,text\n2,"a\n""b"\n2,c\n3,"a\n""b"\n3,c\n');
  });

  it("splits every format by rows, and by bytes those whose size shows on the way", async () => {
    for (const { format, staged, extensions } of formats.filter((each) => each.extensions.length > 0)) {
      const to = join(folder, `all.${extensions[0]}`);
      assert.equal((await exportResult(source(rowsTo(9)), request({ to, format }))).files?.length, 3, format);
      const byBytes = exportResult(source(rowsTo(9)), request({ to, format, split: { bytes: 1_000_000 }, overwrite: true }));
      if (staged) await assert.rejects(byBytes, { code: "UNSUPPORTED", hint: /rows=/ });
      else assert.equal((await byBytes).files?.length, 1, format);
    }
  });

  it("refuses names that are taken before anything runs", async () => {
    const untouched: ExportSource = { rows: () => assert.fail("must not run"), writer: () => undefined };
    await put(join(folder, "out-0007.csv"), "mine");
    await assert.rejects(exportResult(untouched, request()), { code: "CONFLICT", message: /out-0007\.csv" already exists$/ });
    await assert.rejects(exportResult(untouched, request({ overwrite: true })), { code: "CONFLICT", message: /in the way/ });
    await assert.rejects(exportResult(untouched, request({ to: join(folder, "no/out.csv") })), { code: "NOT_FOUND" });
    await mkdir(join(folder, "dir.csv.meta.json"));
    await assert.rejects(exportResult(untouched, request({ to: join(folder, "dir.csv") })), { code: "INPUT_INVALID" });
    assert.deepEqual(await inFolder(), ["dir.csv.meta.json", "out-0007.csv"]);
  });

  it("replaces all files of an earlier export, also those it needs no more", async () => {
    await exportResult(source(rowsTo(20)), request());
    await exportResult(source(rowsTo(6, "new")), request({ overwrite: true }));
    assert.deepEqual(await inFolder(), ["out-0001.csv", "out-0002.csv", "out.csv.meta.json"]);
    assert.match(await text("out-0002.csv"), /^id,text\n4,new\n5,new\n$/);
  });

  it("never replaces a source, nor writes what its own statement would read", async () => {
    await exportResult(source(rowsTo(20)), request());
    const sources = async () => [join(folder, "out-0003.csv")];
    await assert.rejects(exportResult(source(rowsTo(20)), request({ overwrite: true, sources })), { code: "FORBIDDEN" });
    const readFrom = async () => [join(folder, "*.csv")];
    await assert.rejects(exportResult(source(rowsTo(2)), request({ to: join(folder, "new.csv"), readFrom })), { code: "FORBIDDEN" });
    assert.equal((await inFolder()).length, 6);
  });

  it("leaves everything as it was when it fails, at any moment", async () => {
    await exportResult(source(rowsTo(9)), request());
    const before = await Promise.all((await inFolder()).map(text));
    const failing = (fail: () => Promise<unknown>): ExportSource => ({
      ...source([]),
      rows: async () => ({
        ...streamOf({ columns, rows: [] }),
        async *[Symbol.asyncIterator]() {
          yield* streamOf({ columns, rows: rowsTo(10, "new") });
          await fail();
          yield { length: 1, columns: [[1], ["x"]] };
        },
      }),
    });
    const caller = new AbortController();
    await assert.rejects(
      exportResult(
        failing(() => Promise.reject(new Error("broken"))),
        request({ overwrite: true }),
      ),
      /broken/,
    );
    const leaving = failing(async () => caller.abort(new Error("left")));
    await assert.rejects(exportResult(leaving, request({ overwrite: true, signal: caller.signal })), /left/);
    // Somebody takes the third name when the first two files are about to be replaced.
    await rm(join(folder, "out-0003.csv"));
    const racing = failing(() => mkdir(join(folder, "out-0003.csv")));
    await assert.rejects(exportResult(racing, request({ overwrite: true })));
    await rm(join(folder, "out-0003.csv"), { recursive: true });
    await put(join(folder, "out-0003.csv"), before[2] ?? "");
    assert.deepEqual(await Promise.all((await inFolder()).map(text)), before);
  });

  it("tells how far it is", async () => {
    const seen: number[] = [];
    await exportResult(source(rowsTo(9)), request({ onProgress: ({ rows }) => seen.push(rows) }));
    assert.deepEqual([seen[0], seen.at(-1)], [3, 9]);
  });

  it("leaves nothing on a full disk", async (test) => {
    const disk = smallDisk(1);
    if ("absent" in disk) return test.skip(disk.absent);
    try {
      const to = join(disk.folder, "out.csv");
      const failing = exportResult(source(rowsTo(10_000, "x".repeat(200)), 500), request({ to, split: { rows: 1_000 } }));
      await assert.rejects(failing, { code: "LIMIT_EXCEEDED", message: /out-\d+\.csv": no space is left$/ });
      assert.deepEqual(await readdir(disk.folder), []);
    } finally {
      disk.remove();
    }
  });
});

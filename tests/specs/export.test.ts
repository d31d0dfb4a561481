import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, writeFile as put, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import type { CsvStream } from "../../core/contract/driver.ts";
import type { Column } from "../../core/contract/rows.ts";
import { type ExportRequest, type ExportSource, exportResult } from "../../core/export/export.ts";
import { problem } from "../../core/problem.ts";
import { streamOf } from "../contract/exporter.ts";

const columns: Column[] = [
  { name: "id", type: "int", nativeType: "INTEGER" },
  { name: "name", type: "text", nativeType: "TEXT" },
];
const rows = [
  [1, "a"],
  [2, null],
  [3, "c,d"],
] as const;

/** A source that notes which way out was taken. */
function source(ways: Partial<ExportSource> = {}): ExportSource & { readonly taken: string[] } {
  const taken: string[] = [];
  return {
    taken,
    rows: async () => {
      taken.push("rows");
      return streamOf({ columns, rows });
    },
    writer: () => undefined,
    ...ways,
  };
}

describe("export", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-export-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));
  const request = (name: string, rest: Partial<ExportRequest> = {}): ExportRequest => ({
    to: join(folder, name),
    signal: new AbortController().signal,
    ...rest,
  });

  it("writes rows and reports what it wrote", async () => {
    const { seconds, ...report } = await exportResult(source(), request("out.csv"));
    const text = 'id,name\n1,a\n2,\n3,"c,d"\n';
    assert.equal(await readFile(report.path, "utf8"), text);
    assert.deepEqual(report, {
      path: join(folder, "out.csv"),
      format: "csv",
      rows: 3,
      bytes: text.length,
      sha256: createHash("sha256").update(text).digest("hex"),
    });
    assert.ok(seconds >= 0);
  });

  it("takes the format from the name given, the compression from the ending", async () => {
    const { path, format } = await exportResult(source(), request("out.log.gz", { format: "tsv" }));
    assert.equal(format, "tsv");
    assert.equal(gunzipSync(await readFile(path)).toString(), "id\tname\n1\ta\n2\t\\N\n3\tc,d\n");
  });

  it("prefers the engine's own CSV, under the same header", async () => {
    const csv: CsvStream = {
      columns,
      rows: 2,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from("1,a\n2,\n");
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const { path, rows: count } = await exportResult(
      source({ rows: () => assert.fail("not by rows"), copyOut: async () => csv }),
      request("out.csv"),
    );
    assert.equal(await readFile(path, "utf8"), "id,name\n1,a\n2,\n");
    assert.equal(count, 2);
  });

  it("prefers the engine's own writer above all, except when the file is compressed", async () => {
    const writer = (format: string) =>
      format !== "csv"
        ? undefined
        : async (path: string) => {
            await put(path, "id\n1\n");
            return { rows: 1 };
          };
    const direct = await exportResult(source({ rows: () => assert.fail("not by rows"), writer }), request("out.csv"));
    assert.deepEqual([direct.rows, direct.bytes], [1, 5]);
    assert.equal((await exportResult(source({ writer }), request("out.csv.gz"))).rows, 3);
  });

  it("runs nothing when the file is there or the format is unknown", async () => {
    await put(join(folder, "out.csv"), "before");
    const untouched = source();
    await assert.rejects(exportResult(untouched, request("out.csv")), { code: "CONFLICT" });
    await assert.rejects(exportResult(untouched, request("out.what")), { code: "INPUT_INVALID" });
    await assert.rejects(exportResult(untouched, request("out.parquet.gz")), { code: "INPUT_INVALID", message: /Cannot compress parquet/ });
    await assert.rejects(exportResult(untouched, request("no/out.csv")), { code: "NOT_FOUND" });
    assert.deepEqual(untouched.taken, []);
    assert.deepEqual(await readdir(folder), ["out.csv"]);
  });

  it("leaves neither a file nor staging behind when the source fails, in any format", async () => {
    const failing = source({
      rows: async () => ({
        ...streamOf({ columns, rows }),
        async *[Symbol.asyncIterator]() {
          yield { length: 1, columns: [[1], ["a"]] };
          throw new Error("halfway");
        },
      }),
    });
    for (const name of ["a.csv", "a.csv.zst", "a.parquet", "a.xlsx", "a.arrow", "a.json"])
      await assert.rejects(exportResult(failing, request(name)), /halfway/);
    assert.deepEqual(await readdir(folder), []);
  });

  it("lets the rows go, however it ends", async () => {
    let disposed = 0;
    const counting = source({ rows: async () => ({ ...streamOf({ columns, rows }), [Symbol.asyncDispose]: async () => void disposed++ }) });
    await exportResult(counting, request("out.csv"));
    const caller = new AbortController();
    const leaving = request("left.csv", { signal: caller.signal, onProgress: () => caller.abort(new Error("left")) });
    await assert.rejects(exportResult(counting, leaving), /left/);
    assert.equal(disposed, 2);
    assert.deepEqual(await readdir(folder), ["out.csv"]);
  });

  it("tells how far it is, rows while they flow and bytes once written", async () => {
    const seen: { rows: number; bytes: number }[] = [];
    await exportResult(source(), request("out.ndjson", { onProgress: (done) => seen.push({ rows: done.rows, bytes: done.bytes }) }));
    assert.deepEqual(
      seen.map(({ rows: count }) => count),
      [3, 3],
    );
    assert.equal(seen[0]?.bytes, 0);
    assert.ok((seen[1]?.bytes ?? 0) > 0);
  });

  const meta = { sql: "select * from t", connection: "shop", traceId: "0af7651916cd43dd8448eb211c80319c", version: "1.2.3" };

  it("writes where a file came from beside it, in place of an older note when it may", async () => {
    await put(join(folder, "out.csv.gz.meta.json"), "old");
    const untouched = source();
    await assert.rejects(exportResult(untouched, request("out.csv.gz", { meta })), {
      code: "CONFLICT",
      message: /meta\.json" already exists$/,
    });
    await assert.rejects(exportResult(untouched, request(`${"x".repeat(245)}.csv`, { meta })), {
      code: "INPUT_INVALID",
      message: /too long$/,
    });
    assert.deepEqual([untouched.taken, await readFile(join(folder, "out.csv.gz.meta.json"), "utf8")], [[], "old"]);
    const report = await exportResult(source(), request("out.csv.gz", { meta, overwrite: true }));
    const { started, ...found } = JSON.parse(await readFile(`${report.path}.meta.json`, "utf8"));
    assert.equal(new Date(started).toISOString(), started);
    const { path: _, ...facts } = report;
    assert.deepEqual(found, { schema: 1, ...facts, compression: "gz", columns, ...meta });
    assert.deepEqual((await readdir(folder)).sort(), ["out.csv.gz", "out.csv.gz.meta.json"]);
  });

  it("notes the columns an engine tells of a file it wrote itself", async () => {
    const writer = () => async (path: string) => {
      await put(path, "PAR1");
      return { rows: 1, columns };
    };
    const report = await exportResult(source({ writer }), request("out.parquet", { meta }));
    const found = JSON.parse(await readFile(`${report.path}.meta.json`, "utf8"));
    assert.deepEqual([found.columns, found.rows, found.bytes], [columns, 1, 4]);
  });

  it("names the file asked for when there is no room to stage it", async () => {
    const full = source({
      rows: async () => {
        const [staging = ""] = (await readdir(folder)).filter((name) => name.startsWith(".tidegate-"));
        throw problem("LIMIT_EXCEEDED", `Cannot write "${join(folder, staging, "parquet-x", "rows.csv")}": no space is left`);
      },
    });
    await assert.rejects(exportResult(full, request("out.parquet")), {
      message: `Cannot write "${join(folder, "out.parquet")}": no space is left`,
    });
  });

  it("offers only formats it writes to files", async () => {
    const failing = exportResult(source(), request("out"));
    await assert.rejects(failing, ({ hint }) => /Name the format, one of csv, .*xlsx/.test(hint) && !hint.includes("vertical"));
  });

  it("reads a parquet file back from disk exactly as reported", async () => {
    const report = await exportResult(source(), request("out.parquet"));
    const bytes = await readFile(report.path);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), report.sha256);
    assert.equal(bytes.subarray(0, 4).toString() + bytes.subarray(-4).toString(), "PAR1PAR1");
  });
});

import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, beforeEach, describe, it } from "node:test";
import { type ExportRequest, type ExportSource, exportResult } from "../../core/export/export.ts";
import { streamOf } from "../contract/exporter.ts";

const provenance = { sql: "select 1 as id", connection: "shop", traceId: "0", version: "1.2.3" };

describe("a database that was exported", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-replace-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));

  const write = (name: string, id: number, request: Partial<ExportRequest> = {}) => {
    const columns = [{ name: "id", type: "int", nativeType: "INTEGER" }] as const;
    const source: ExportSource = { rows: async () => streamOf({ columns, rows: [[id]] }), writer: () => undefined };
    const signal = new AbortController().signal;
    return exportResult(source, { to: join(folder, name), meta: provenance, overwrite: true, signal, ...request });
  };
  const refused = (why: RegExp) => ({ code: "FORBIDDEN", message: why, hint: "Choose another name" });

  for (const format of ["sqlite", "duckdb"]) {
    it(`as ${format} may be replaced as long as it is what the note beside it says`, async () => {
      const { path } = await write(`out.${format}`, 1);
      await write(`out.${format}`, 2);
      const other = await readFile(path);
      await appendFile(path, "x");
      await assert.rejects(write(`out.${format}`, 3), refused(/: it is a database$/));
      other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 1;
      await writeFile(path, other);
      await assert.rejects(write(`out.${format}`, 3), refused(/: it is a database$/));
    });

    it(`as ${format} stays where no note, or somebody else's, is beside it`, async () => {
      const { path } = await write(`out.${format}`, 1, { meta: undefined });
      await assert.rejects(write(`out.${format}`, 2), refused(/: it is a database$/));
      await writeFile(`${path}.meta.json`, "{}");
      await assert.rejects(write(`out.${format}`, 2), refused(/: it is a database$/));
    });
  }

  it("stays while a connection reads it", async () => {
    const { path } = await write("out.sqlite", 1);
    await assert.rejects(write("out.sqlite", 2, { sources: async () => [path] }), refused(/belongs to a connection$/));
  });

  for (const ending of ["-wal", "-journal", ".wal"]) {
    it(`is not put beside unfinished work in ${ending}, which would be read into it`, async () => {
      const path = join(folder, "out.sqlite");
      await writeFile(path + ending, "unfinished");
      await assert.rejects(write("out.sqlite", 1), refused(/unfinished work of a database is beside it/));
      await writeFile(path + ending, "");
      await write("out.sqlite", 1);
    });
  }

  it("is a database to SQLite, its table named after the file, and the note says what became of its types", async () => {
    const { path } = await write("totals.2024.sqlite", 7);
    const database = new DatabaseSync(path, { readOnly: true });
    assert.deepEqual({ ...database.prepare("select * from totals").get() }, { id: 7 });
    database.close();
    const columns = [{ name: "day", type: "date", nativeType: "DATE" }] as const;
    const source: ExportSource = { rows: async () => streamOf({ columns, rows: [] }), writer: () => undefined };
    await exportResult(source, { to: path, meta: provenance, overwrite: true, signal: new AbortController().signal });
    assert.deepEqual(JSON.parse(await readFile(`${path}.meta.json`, "utf8")).notes, ['column "day": text']);
  });
});

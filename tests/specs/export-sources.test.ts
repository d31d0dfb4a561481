import assert from "node:assert/strict";
import { link, mkdir, mkdtemp, writeFile as put, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { connectionFiles } from "../../core/connection/files.ts";
import { stagedFile } from "../../core/export/sink.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { memoryDriver } from "../support/memory-driver.ts";

const signal = new AbortController().signal;
const sqlite = "SQLite format 3\0 and pages";

describe("an export", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-sources-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));

  const place = async (name: string, content = "a\n1\n") => {
    const path = join(folder, name);
    await mkdir(join(path, ".."), { recursive: true });
    await put(path, content);
    return path;
  };
  const settings = (target: string) => ({ name: target, target, write: false, folder });
  const drivers = [createDuckdbDriver(), memoryDriver({}).driver];
  const write = (temp: string) => put(temp, "after");
  const over = (name: string, targets: readonly string[], run = write) =>
    stagedFile({
      path: join(folder, name),
      overwrite: true,
      sources: () => connectionFiles(targets.map(settings), drivers),
      signal,
      write: run,
    });
  const refused = (name: string, targets: readonly string[]) =>
    assert.rejects(
      over(name, targets, () => assert.fail("must not start")),
      { code: "FORBIDDEN", message: /^Cannot replace "[^"]+": it (?:is a database|belongs to a connection)$/, hint: "Choose another name" },
      `${name} of ${targets}`,
    );

  it("never replaces a file that a connection reads, by whatever name", async () => {
    const path = await place("lake/x.csv");
    await symlink(path, join(folder, "soft.csv"));
    await link(path, join(folder, "hard.csv"));
    await symlink(join(folder, "lake"), join(folder, "way"));
    for (const target of ["lake/x.csv", "duckdb:lake/x.csv", "soft.csv", "lake", "way/", "lake/*.csv", "**/{x,y}.csv"]) {
      for (const name of ["lake/x.csv", "soft.csv", "hard.csv", "way/x.csv", "lake/../lake/x.csv"]) await refused(name, [target]);
    }
    assert.equal(await readFile(path, "utf8"), "a\n1\n");
  });

  it("never replaces what a database keeps beside its file, nor puts something there", async () => {
    await place("shop.duckdb", "12345678DUCK");
    await place("shop.duckdb.wal", "log");
    for (const name of ["shop.duckdb", "shop.duckdb.wal", "shop.duckdb-wal", "shop.duckdb-shm", "shop.duckdb-journal"])
      await refused(name, ["duckdb:shop.duckdb"]);
    assert.deepEqual((await readdir(folder)).sort(), ["shop.duckdb", "shop.duckdb.wal"]);
  });

  it("never replaces a database, whoever uses it", async () => {
    await place("shop.csv", sqlite);
    await place("lake.csv", "12345678DUCK and blocks");
    for (const name of ["shop.csv", "lake.csv"]) await refused(name, []);
    assert.equal(await readFile(join(folder, "shop.csv"), "utf8"), sqlite);
  });

  it("replaces everything else, also beside sources and when connections lead nowhere", async () => {
    await place("lake/x.csv");
    for (const name of ["lake/notes.txt", "lake/x.csv.meta.json", "old.csv", "empty.csv"]) {
      await place(name, name === "empty.csv" ? "" : "before");
      await over(name, ["lake/", "lake/*.csv", "gone.db", "gone/*.csv", "memory:x", ":memory:", "nobody://host/db"]);
      assert.equal(await readFile(join(folder, name), "utf8"), "after");
    }
  });

  it("asks for the sources only when there is something to replace", async () => {
    const sources = () => assert.fail("must not ask");
    await stagedFile({ path: join(folder, "new.csv"), overwrite: true, sources, signal, write });
  });

  it("never replaces a source by its note", async () => {
    const path = join(folder, "out.csv");
    const note = { path: await place("out.csv.meta.json", "{}"), text: () => "note" };
    const sources = async () => [note.path];
    await assert.rejects(stagedFile({ path, note, overwrite: true, sources, signal, write }), { code: "FORBIDDEN" });
    assert.deepEqual(await readdir(folder), ["out.csv.meta.json"]);
  });

  it("puts nothing where the statement's own pattern would read it, and takes no name of a file for a pattern", async () => {
    await place("lake/x.csv");
    await place("one[1].csv");
    await symlink(join(folder, "lake"), join(folder, "way"));
    const into = (name: string, target: string) =>
      stagedFile({ path: join(folder, name), readFrom: () => connectionFiles([settings(target)], drivers), signal, write });
    for (const [name, target] of [
      ["lake/y.csv", "lake/*.csv"],
      ["lake/y.csv", "way/*.csv"],
      ["way/y.csv", "lake/*.csv"],
      ["lake/y.csv", "**/*.csv"],
      ["lake/y.json", "lake/{a,y}.{csv,json}"],
    ] as const)
      await assert.rejects(into(name, target), { code: "FORBIDDEN", message: /would read that file as well/ }, `${name} of ${target}`);
    for (const [name, target] of [
      ["lake/y.parquet", "lake/*.csv"],
      ["y.csv", "lake/*.csv"],
      ["lake/z.csv", "lake/"],
      ["lake/w.csv", "lake/x.csv"],
      ["one1.csv", "one[1].csv"],
    ] as const)
      await into(name, target);
  });
});

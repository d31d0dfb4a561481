import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Value } from "../../core/contract/rows.ts";
import { problemOf } from "../support/config-folder.ts";
import { memoryDriver } from "../support/memory-driver.ts";
import { resultsApp } from "../support/results-app.ts";
import { smallDisk } from "../support/services-disk.ts";

const columns = [
  { name: "n", type: "int", nativeType: "INT" },
  { name: "s", type: "text", nativeType: "TEXT" },
] as const;
const many = (count: number, width = 10) => ({
  columns,
  rows: Array.from({ length: count }, (_, n): Value[] => [n, `${n}`.padStart(width, "x")]),
});
const folders: string[] = [];
const stateFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-state-"));
  folders.push(folder);
  return folder;
};
const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath];

/** Nothing the first time. */
function onceThen(work: () => Promise<void>): () => Promise<void> {
  let called = false;
  return () => {
    if (called) return work();
    called = true;
    return Promise.resolve();
  };
}

/** Everything that is listed can be read, with as many rows as it says. */
async function checkAll(state: string): Promise<number> {
  const room = await resultsApp([memoryDriver({}).driver], { main: "memory:x" }, {}, state);
  try {
    const stored = (await room.app.results?.list(room.app.principal)) ?? [];
    for (const { name, rows } of stored) {
      const [, count] = await room.lines("analyze", { sql: `select count(*) as c from ${name}` });
      assert.equal(count, String(rows), name);
    }
    return stored.length;
  } finally {
    await room.close();
  }
}

describe("stored results survive", () => {
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it("a process that is killed at any moment: what is listed is whole, the rest is gone", async () => {
    const state = stateFolder();
    for (let round = 0; round < 8; round++) {
      const [program = "", ...before] = runtime;
      const child = spawn(program, [...before, resolve(import.meta.dirname, "../support/keeps-results.ts"), state], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise((done) => child.on("close", done));
      await new Promise((done) => child.stdout.once("data", done));
      await sleep(20 + Math.floor(Math.random() * 300));
      child.kill("SIGKILL");
      await ended;
      await checkAll(state);
    }
    assert.ok((await checkAll(state)) > 0);
    // What was begun is cleared away once it is certain that nobody is at work on it.
    const results = join(state, "results");
    const old = new Date(Date.now() - 3_600_000);
    for (const name of readdirSync(results)) if (name.includes(".part-")) utimesSync(join(results, name), old, old);
    const room = await resultsApp([memoryDriver({}).driver], { main: "memory:x" }, {}, state);
    await room.app.results?.sweep();
    await room.close();
    assert.deepEqual(
      readdirSync(results).filter((name) => name.includes(".part-")),
      [],
    );
  });

  it("several processes that keep results at once: every name is given once", async () => {
    const state = stateFolder();
    const [program = "", ...before] = runtime;
    const children = [0, 1, 2].map(() =>
      spawn(program, [...before, resolve(import.meta.dirname, "../support/keeps-results.ts"), state], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    let kept = 0;
    await new Promise<void>((done) => {
      for (const { stdout } of children)
        stdout.on("data", (text: Buffer) => {
          kept += text.toString().split("kept").length - 1;
          if (kept >= 12) done();
        });
    });
    await Promise.all(
      children.map((child) => {
        const ended = new Promise((done) => child.on("close", done));
        child.kill("SIGKILL");
        return ended;
      }),
    );
    assert.ok((await checkAll(state)) >= 12);
  });

  it("a full disk: the first rows are told, what was there stays, and nothing is left half-written", async (t) => {
    const disk = smallDisk(12);
    if ("absent" in disk) return t.skip(disk.absent);
    const { driver } = memoryDriver({ small: many(3000), large: many(60_000, 300) });
    const room = await resultsApp([driver], { main: "memory:x" }, { TIDEGATE_RESULTS_FOLDER: disk.folder });
    try {
      assert.match(await room.call("query", { sql: "small" }), /kept as r1/);
      const lines = await room.lines("query", { sql: "large" });
      assert.equal(lines.length > 50, true);
      assert.match(lines.at(-1) ?? "", /not kept: LIMIT_EXCEEDED: Cannot write .*no space is left/);
      const landed = await problemOf(room.call("analyze", { sql: "select count(*) from big", from: { big: { sql: "large" } } }));
      assert.equal(landed.code, "LIMIT_EXCEEDED");
      assert.match(await room.call("analyze", { sql: "select count(*) as c from r1" }), /^c\n3000\n/);
      assert.deepEqual(
        readdirSync(disk.folder).filter((name) => name.includes(".part-")),
        [],
      );
    } finally {
      await room.close();
      disk.remove();
    }
  });

  it("a record of them that can no longer be read: it is put aside, and they go on", async () => {
    const state = stateFolder();
    const { driver } = memoryDriver({ many: many(3000) });
    const first = await resultsApp([driver], { main: "memory:x" }, {}, state);
    await first.call("query", { sql: "many" });
    await first.close();
    const results = join(state, "results");
    for (const ending of ["", "-wal", "-shm"]) rmSync(join(results, `index.db${ending}`), { force: true });
    writeFileSync(join(results, "index.db"), "this is no database".repeat(1000));
    const second = await resultsApp([driver], { main: "memory:x" }, {}, state);
    assert.match(await second.call("query", { sql: "many" }), /kept as r1/);
    await second.close();
    const [aside = ""] = readdirSync(results).filter((name) => name.includes(".broken-"));
    assert.match(readFileSync(join(results, aside), "utf8"), /this is no database/);
  });

  it("a place where nothing can be written, or a record of a later version: queries go on, and say that nothing is kept", async () => {
    const { driver } = memoryDriver({ many: many(3000), few: many(2) });
    const state = stateFolder();
    writeFileSync(join(state, "results"), "a file where the folder is to be");
    const blocked = await resultsApp([driver], { main: "memory:x" }, {}, state);
    assert.match(
      (await blocked.lines("query", { sql: "many" })).at(-1) ?? "",
      /^-- 100 of at least \d+ rows: .*; not kept: CONFIG_INVALID: Cannot keep results in /,
    );
    assert.equal((await blocked.lines("query", { sql: "few" })).at(-1), "-- 2 rows");
    await blocked.close();
    rmSync(join(state, "results"));
    mkdirSync(join(state, "results"));
    const later = new DatabaseSync(join(state, "results", "index.db"));
    later.exec("PRAGMA user_version = 99");
    later.close();
    const older = await resultsApp([driver], { main: "memory:x" }, {}, state);
    assert.match((await older.lines("query", { sql: "many" })).at(-1) ?? "", /not kept: CONFIG_INVALID: .* was written by a later version/);
    assert.equal((await problemOf(older.call("analyze", { sql: "select * from r1" }))).code, "CONFIG_INVALID");
    await older.close();
  });

  it("a source that breaks off: the call fails as it would have, and nothing is kept of it", async () => {
    const fails = { ...many(5000), beforeBatch: onceThen(() => Promise.reject(new Error("the source broke off"))) };
    const room = await resultsApp([memoryDriver({ fails }).driver], { main: "memory:x" });
    assert.equal((await problemOf(room.call("query", { sql: "fails" }))).code, "INTERNAL");
    assert.deepEqual(await room.app.results?.list(room.app.principal), []);
    await room.close();
  });

  it("bounds: a result that stops at one says so, and the least used make way", async () => {
    const { driver } = memoryDriver({ many: many(5000) });
    const env = { TIDEGATE_RESULTS_MAX_ROWS: "700" };
    const room = await resultsApp([driver], { main: "memory:x" }, env);
    const lines = await room.lines("query", { sql: "many" });
    assert.match(lines.at(-1) ?? "", /^-- 100 of the first 700 rows, truncated: source \(rows\); kept as r1/);
    const cut = await problemOf(room.call("analyze", { sql: "select count(*) from a", from: { a: { sql: "many" } } }));
    assert.deepEqual([cut.code, /truncated: rows/.test(cut.message)], ["LIMIT_EXCEEDED", true]);
    await room.close();
    const tight = await resultsApp([driver], { main: "memory:x" }, { TIDEGATE_RESULTS_MAX_DISK: "2MB" });
    for (let i = 0; i < 6; i++) await tight.call("query", { sql: "many" });
    const left = (await tight.app.results?.list(tight.app.principal)) ?? [];
    assert.ok(left.length < 6, `${left.length} are left`);
    assert.equal(left.at(-1)?.name, "r6");
    await tight.close();
  });
});

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createConnections } from "../../core/connection/connections.ts";
import { isolated } from "../../core/connection/isolate.ts";
import { pathFacts } from "../../core/connection/path.ts";
import { asProblem } from "../../core/problem.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import activate from "../../plugins/sqlite/plugin.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-sqlite-files-"));
after(() => rmSync(folder, { recursive: true }));
const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const seat = [process.execPath, ...("Deno" in globalThis ? ["run", "-A"] : []), main, "__seat"];
const seated = isolated(driver, { plugin: "sqlite", driver: "sqlite" }, seat);
const asRoot = process.getuid?.() === 0 && "root may read and write everything";

/** A database file holding one number. */
function made(name: string, value: number, mode = "delete"): string {
  const path = join(folder, name);
  rmSync(path, { force: true });
  const database = new DatabaseSync(path);
  database.exec(`pragma journal_mode = ${mode}; create table t (a); insert into t values (${value})`);
  database.close();
  return path;
}
const target = (location: string) => ({ scheme: "sqlite", location, options: {} });
const open = (location: string, readOnly = true) => connect(target(location), { signal: never, readOnly });
const diagnosis = async (failing: Promise<unknown>) => diagnose(await rejection(failing)) ?? assert.fail("not recognised");

for (const [where, used] of Object.entries({ "": driver, " in a process of its own": seated })) {
  describe(`a connection to a file${where}`, () => {
    const replaced: string[] = [];
    const room = (path: string) =>
      createConnections({
        connections: [{ name: "main", target: path, folder, write: false }],
        secrets: createSecrets({ env: {}, warn: () => undefined }),
        drivers: [used],
        limits: { most: 2, waitMillis: 10_000, idleMillis: 10_000, lifetimeMillis: 60_000, checkAfterMillis: 10_000 },
        unproved: () => undefined,
        replaced: (name) => replaced.push(name),
      });
    const value = async (connections: ReturnType<typeof room>) => {
      const lease = await connections.borrow("main", "read", never);
      try {
        return await cellOf(lease.connection, "select a from t");
      } finally {
        await lease.release();
      }
    };

    it("reads the new file after the old one was replaced", async () => {
      const connections = room(made("replaced.db", 1));
      assert.equal(await value(connections), 1);
      renameSync(made("new.db", 2), join(folder, "replaced.db"));
      assert.equal(await value(connections), 2);
      assert.deepEqual(replaced, ["main"]);
      await connections.close();
    });

    it("ends when the file is deleted, and comes back with it", async () => {
      const connections = room(made("deleted.db", 1));
      assert.equal(await value(connections), 1);
      rmSync(join(folder, "deleted.db"));
      assert.equal(asProblem(await rejection(value(connections))).code, "NOT_FOUND");
      made("deleted.db", 3);
      assert.equal(await value(connections), 3);
      await connections.close();
    });

    it("is kept while the file is only written to", async () => {
      const path = made("written.db", 1);
      const connections = room(path);
      const first = await connections.borrow("main", "read", never);
      await first.release();
      const writer = new DatabaseSync(path);
      writer.exec("update t set a = 4");
      writer.close();
      const second = await connections.borrow("main", "read", never);
      assert.equal(second.connection, first.connection);
      assert.equal(await cellOf(second.connection, "select a from t"), 4);
      await second.release();
      await connections.close();
    });
  });

  describe(`reading a WAL database${where}`, () => {
    const open = (location: string) => used.connect(target(location), { signal: never, readOnly: true });
    const left = (path: string) => ["-wal", "-shm"].filter((end) => existsSync(path + end));

    it("leaves nothing beside it, and the file as it was", async () => {
      const path = made("wal.db", 1, "wal");
      const before = statSync(path, { bigint: true }).mtimeNs;
      const [first, second] = [await open(path), await open(path)];
      assert.equal(await cellOf(first, "select a from t"), 1);
      await first[Symbol.asyncDispose]();
      assert.equal(await cellOf(second, "select a from t"), 1);
      await second[Symbol.asyncDispose]();
      assert.deepEqual(left(path), []);
      assert.equal(statSync(path, { bigint: true }).mtimeNs, before);
    });

    it("leaves a writer its log", async () => {
      const path = made("busy.db", 1, "wal");
      const writer = new DatabaseSync(path);
      writer.exec("select 1 from t");
      const reader = await open(path);
      assert.equal(await cellOf(reader, "select a from t"), 1);
      await reader[Symbol.asyncDispose]();
      assert.deepEqual(left(path), ["-wal", "-shm"]);
      writer.exec("update t set a = 2");
      const again = await open(path);
      assert.equal(await cellOf(again, "select a from t"), 2);
      await again[Symbol.asyncDispose]();
      assert.deepEqual(left(path), ["-wal", "-shm"]);
      writer.close();
    });
  });
}

describe("a file this user may not use", { skip: asRoot }, () => {
  it("is told as denied, whoever looks at it first", async () => {
    const path = made("denied.db", 1);
    chmodSync(path, 0);
    const { code, message, retryable } = asProblem(await rejection((async () => pathFacts(path))()));
    assert.deepEqual([code, message, retryable], ["CONNECTION_FAILED", `Cannot read "${path}": permission denied`, false]);
    const told = await diagnosis(open(path));
    assert.deepEqual([told.code, told.message], ["CONNECTION_FAILED", message]);
  });

  it("is told as denied when its folder is closed", async () => {
    const shut = join(folder, "shut");
    mkdirSync(shut);
    writeFileSync(join(shut, "x.db"), "");
    chmodSync(shut, 0);
    try {
      assert.match(asProblem(await rejection((async () => pathFacts(join(shut, "x.db")))())).message, /permission denied/);
      assert.match((await diagnosis(open(join(shut, "x.db")))).message, /permission denied/);
    } finally {
      chmodSync(shut, 0o700);
    }
  });

  it("is not told to be opened for writing when it was", async () => {
    const path = made("fixed.db", 1);
    chmodSync(path, 0o400);
    await using writing = await open(path, false);
    for (const sql of ["insert into t values (2)", "create table u (a)"]) {
      const { code, message } = await diagnosis(rowsOf(writing, sql));
      assert.equal(code, "CONNECTION_FAILED");
      assert.match(message, /may not write/);
    }
    await using reading = await open(path);
    assert.equal((await diagnosis(rowsOf(reading, "insert into t values (2)"))).code, "POLICY_DENIED");
  });

  it("is not told to be opened for writing when only its folder is closed", async () => {
    const shut = join(folder, "fixed");
    mkdirSync(shut);
    const log = made("fixed/wal.db", 1, "wal");
    const path = made("fixed/x.db", 1);
    chmodSync(shut, 0o500);
    try {
      await using writing = await open(path, false);
      assert.match((await diagnosis(rowsOf(writing, "insert into t values (2)"))).message, /may not write/);
      assert.match((await diagnosis(open(log, false))).message, /may not write/);
    } finally {
      chmodSync(shut, 0o700);
    }
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Connection, Params } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const driver = createDuckdbDriver();
const many = "select i, repeat('x', 50) || i as s from range(3000000) t(i)";

describe("one database of duckdb, several connections", () => {
  let folder: string;
  let path: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidegate-duckdb-sharing-"));
    path = join(folder, "shop.duckdb");
    await using writer = await open(false, { create: "true" });
    await rowsOf(writer, "create table item as select i as id, repeat('x', 50) || i as name from range(200000) t(i)");
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const open = (readOnly: boolean, options: Record<string, string> = {}, signal = never) =>
    driver.connect({ scheme: "duckdb", location: path, options }, { readOnly, signal });
  /** What another process makes of the file. */
  const elsewhere = (readOnly: boolean): string => {
    const code = `
      import type { Connection, Params } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from ${JSON.stringify(fileURLToPath(new URL("../../plugins/duckdb/driver.ts", import.meta.url)))};
      const driver = createDuckdbDriver();
      const target = { scheme: "duckdb", location: ${JSON.stringify(path)}, options: {} };
      try {
        await using connection = await driver.connect(target, { readOnly: ${readOnly}, signal: new AbortController().signal });
        console.log("open");
      } catch (error) {
        console.log(JSON.stringify(driver.diagnose(error) ?? String(error)));
      }`;
    const script = join(folder, "elsewhere.ts");
    writeFileSync(script, code);
    const runner = "Deno" in globalThis ? ["run", "-A", "--no-check", "--config", "deno.json", script] : [script];
    return execFileSync(process.execPath, runner, { encoding: "utf8", cwd: fileURLToPath(new URL("../..", import.meta.url)) }).trim();
  };

  it("lets a reader see what a writer of the same process has written", async () => {
    await using reader = await open(true);
    assert.equal(await cellOf(reader, "select count(*) from item"), 200_000);
    {
      await using writer = await open(false);
      await rowsOf(writer, "create table later (a integer)");
      await rowsOf(writer, "insert into later values (1)");
      assert.equal(await cellOf(reader, "select a from later"), 1);
      assert.equal(driver.diagnose(await rejection(rowsOf(reader, "insert into later values (2)")))?.code, "POLICY_DENIED");
      assert.equal((await reader.proveReadOnly(never)).state, "verified");
      await rowsOf(writer, "drop table later");
    }
    assert.match(String(driver.diagnose(await rejection(rowsOf(reader, "from later")))?.message), /"later" does not exist/);
    assert.equal((await reader.proveReadOnly(never)).state, "verified");
  });

  it("shares the file with readers of other processes, and with nobody while it writes", async () => {
    await using reader = await open(true);
    assert.equal(elsewhere(true), "open");
    {
      await using _writer = await open(false);
      const found = JSON.parse(elsewhere(true));
      assert.equal(found.code, "CONNECTION_FAILED");
      assert.equal(found.retryable, true);
      assert.match(found.message, new RegExp(`is locked by another process \\(.*PID ${process.pid}\\)`));
    }
    assert.equal(elsewhere(true), "open");
    assert.equal(await cellOf(reader, "select count(*) from item"), 200_000);
  });

  it("frees the file when the last connection is closed, also in the middle of rows", async () => {
    const writer = await open(false);
    const stream = await writer.query("from item", [], { signal: never, batchSize: 100 });
    for await (const _ of stream) break;
    const unread = await writer.query("from item", [], { signal: never, batchSize: 100 });
    await writer[Symbol.asyncDispose]();
    assert.equal(elsewhere(false), "open");
    assert.equal(driver.diagnose(await rejection(firstBatch(unread)))?.code, "CONNECTION_FAILED");
  });

  it("tells a reader that its connection was closed, and never ends its rows early without a word", async () => {
    const connection = await open(true);
    const reading = rejection(countRows(connection, many));
    const other = await open(true);
    const preparing = rejection(other.query(many, [], { signal: never, batchSize: 2048 }));
    await Promise.all([connection[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    for (const failure of [reading, preparing]) assert.equal(driver.diagnose(await failure)?.code, "CONNECTION_FAILED");
  });

  it("waits with writing until rows that are being read have come, and hears a cancel meanwhile", async () => {
    await using reader = await open(true);
    const stream = await reader.query("from item", [], { signal: never, batchSize: 2048 });
    const gone = new AbortController();
    const given = open(false, {}, gone.signal);
    gone.abort(new Error("gone"));
    assert.equal(await rejection(given), gone.signal.reason);
    const waiting = open(false);
    let rows = 0;
    for await (const batch of stream) rows += batch.length;
    assert.equal(rows, 200_000);
    await using writer = await waiting;
    assert.equal(await cellOf(writer, "select count(*) from item"), 200_000);
  });

  it("lets two connections work at the same time", async () => {
    await using one = await open(true);
    await using other = await open(true);
    const counts = await Promise.all(
      [one, other].map((connection) => cellOf(connection, "select count(*) from item where name like '%7%'")),
    );
    assert.equal(counts[0], counts[1]);
  });

  it("refuses a second statement while rows are being read, and loses none of them", async () => {
    await using connection = await open(true);
    let rows = 0;
    for await (const batch of await connection.query(many, [], { signal: never, batchSize: 2048 })) {
      if (rows === 0) assert.equal(driver.diagnose(await rejection(rowsOf(connection, "select 1")))?.code, "CONFLICT");
      rows += batch.length;
    }
    assert.equal(rows, 3_000_000);
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("tells a result that broke off from one that is complete", async () => {
    await using connection = await open(true);
    const sql = "select case when i = ? then s::integer else 1 end as n from (select i, i || 'x' as s from range(3000000) t(i))";
    const found = driver.diagnose(await rejection(countRows(connection, sql, [2_900_000])));
    assert.equal(found?.message, "A value cannot be converted to INT32");
    assert.equal(found?.position, sql.indexOf("s::integer") + 1);
    assert.equal(await countRows(connection, sql, [-1]), 3_000_000);
  });

  it("spills what does not fit in memory to its own folder", async () => {
    await using connection = await driver.connect(
      { scheme: "duckdb", location: ":memory:", options: { memory_limit: "150MB", threads: "1" } },
      { readOnly: true, signal: never },
    );
    const sorted = "select count(*), max(x) from (select x from range(8000000) t(x) order by hash(x) limit 7999999 offset 1)";
    assert.deepEqual(await rowsOf(connection, sorted), [[7_999_999, 7_999_999]]);
    const found = driver.diagnose(await rejection(rowsOf(connection, "select list(x) from range(50000000) t(x)")));
    assert.equal(found?.code, "LIMIT_EXCEEDED");
    assert.match(found?.message ?? "", /limit of 143\.0 MiB/);
  });

  it("makes a database only when asked, and keeps a file that is not one", async () => {
    const missing = (readOnly: boolean, options: Record<string, string>) =>
      driver.connect({ scheme: "duckdb", location: join(folder, "new.duckdb"), options }, { readOnly, signal: never });
    assert.match(driver.diagnose(await rejection(missing(false, {})))?.hint ?? "", /create=true/);
    assert.equal(driver.diagnose(await rejection(missing(true, { create: "true" })))?.code, "NOT_FOUND");
    await using made = await missing(false, { create: "true" });
    assert.equal(await cellOf(made, "select 1"), 1);
    const letter = join(folder, "letter.duckdb");
    writeFileSync(letter, "Dear all, this is not a database");
    await rejection(
      driver.connect({ scheme: "duckdb", location: letter, options: { create: "true" } }, { readOnly: false, signal: never }),
    );
    assert.equal(readFileSync(letter, "utf8"), "Dear all, this is not a database");
  });

  it("says when a file was made by a newer DuckDB, and when it is damaged", async () => {
    const bytes = readFileSync(path);
    const opening = async (name: string, changed: Buffer) => {
      writeFileSync(join(folder, name), changed);
      const failing = driver.connect({ scheme: "duckdb", location: join(folder, name), options: {} }, { readOnly: true, signal: never });
      return driver.diagnose(await rejection(failing));
    };
    const newer = Buffer.from(bytes);
    newer.writeBigUInt64LE(999n, 12);
    newer.writeBigUInt64LE(checksum(newer.subarray(8, 4096)), 0);
    assert.match((await opening("newer.duckdb", newer))?.message ?? "", /storage version 999: this DuckDB reads/);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(4200) ^ 255, 4200);
    const found = await opening("damaged.duckdb", damaged);
    assert.deepEqual([found?.code, found?.retryable], ["CONNECTION_FAILED", false]);
    assert.equal((await opening("short.duckdb", bytes.subarray(0, 6000)))?.code, "CONNECTION_FAILED");
  });
});

/** Reads to the end without keeping anything. */
async function countRows(connection: Connection, sql: string, params: Params = []): Promise<number> {
  let rows = 0;
  for await (const batch of await connection.query(sql, params, { signal: never, batchSize: 2048 })) rows += batch.length;
  return rows;
}

/** How DuckDB sums up a block of its file. */
function checksum(block: Buffer): bigint {
  let sum = 5381n;
  for (let at = 0; at < block.length; at += 8) sum ^= BigInt.asUintN(64, block.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n);
  return sum;
}

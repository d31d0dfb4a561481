import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Connection, Params } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { answer, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const driver = createDuckdbDriver();
const mountable =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

describe("parquet written by duckdb", () => {
  let folder: string;
  let connection: Connection;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidegate-duckdb-parquet-"));
    const target = { scheme: "duckdb", location: join(folder, "shop.duckdb"), options: { create: "true" } };
    await using writer = await driver.connect(target, { readOnly: false, signal: never });
    await rowsOf(
      writer,
      "create table item as select i::integer as id, 'item ' || i as name, (i / 4)::decimal(10,2) as price from range(5000) t(i)",
    );
    connection = await driver.connect(target, { readOnly: true, signal: never });
  });
  after(async () => {
    await connection[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  let count = 0;
  const write = async (sql: string, params: Params = [], signal = never) => {
    assert.ok(connection.fileWriters?.parquet);
    const path = join(folder, `out-${++count}.parquet`);
    return { path, ...(await connection.fileWriters.parquet(sql, params, path, { signal })) };
  };
  const read = async (path: string) => {
    await using reader = await driver.connect({ scheme: "duckdb", location: path, options: {} }, { readOnly: true, signal: never });
    const [view] = await reader.catalog.read({ detail: "names", signal: never });
    return await answer(reader, `from ${view?.name}`);
  };

  it("holds the rows, names and types of the result", async () => {
    const { path, rows } = await write("select * from item");
    const [written, asked] = [await read(path), await answer(connection, "select * from item")];
    assert.equal(rows, 5000);
    assert.deepEqual(written, asked);
    assert.ok(lstatSync(path).isFile());
  });

  it("tells its columns, with the types that parameters give them", async () => {
    const native = async (sql: string, params?: Params) =>
      (await write(sql, params)).columns?.map((column) => [column.name, column.nativeType]);
    assert.deepEqual(await native("select id, price, ? as x, [?] as y from item where id < 0 -- none", [1, "a"]), [
      ["id", "INTEGER"],
      ["price", "DECIMAL(10,2)"],
      ["x", "INTEGER"],
      ["y", "VARCHAR[]"],
    ]);
    assert.equal((await native("describe item"))?.[0]?.[0], "column_name");
    assert.equal((await native("pivot (from item where id < 2) on name using count(*)"))?.length, 4);
  });

  it("says so when the disk is full, and leaves nothing there", { skip: !mountable && "needs Linux and the right to mount" }, async () => {
    const disk = mkdtempSync(join(folder, "disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    assert.ok(connection.fileWriters?.parquet);
    try {
      const path = join(disk, "out.parquet");
      const found = driver.diagnose(
        await rejection(connection.fileWriters.parquet("select hash(i) as h from range(3000000) t(i)", [], path, { signal: never })),
      );
      assert.deepEqual([found?.code, found?.message], ["LIMIT_EXCEEDED", `Cannot write "${path}": no space is left`]);
      assert.deepEqual(readdirSync(disk), []);
    } finally {
      execFileSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    }
  });

  it("takes whatever may follow a query", async () => {
    for (const sql of [
      "select id from item where id < 3 -- and nothing else",
      "select id from item where id < 3;",
      "/* ; */ select id from item where id < 3 ; -- the end; really\n /* ; */ ;",
      "select id from item where id < 3 and ';' <> $$;'$$ and e'\\';' <> '';",
      'with "a;b" as (select id from item where id < 3) from "a;b";',
      "(select id from item where id < 3) order by id desc limit 3;",
      "values (0), (1), (2)",
      "from item select id where id < 3",
    ]) {
      assert.equal((await write(sql)).rows, 3, sql);
    }
  });

  it("takes parameters by position and by name", async () => {
    assert.deepEqual((await read((await write("select id, ? as x from item where id = ?", ["é", 7])).path)).rows, [[7, "é"]]);
    assert.deepEqual((await read((await write("select id, $x as x from item where id = $id;", { id: 7, x: null })).path)).rows.length, 1);
  });

  it("writes no rows with their columns", async () => {
    const { path, rows } = await write("select id, name from item where id < 0");
    assert.equal(rows, 0);
    assert.deepEqual(
      (await read(path)).columns.map(({ name }) => name),
      ["id", "name"],
    );
  });

  it("writes what is no plain SELECT", async () => {
    assert.equal((await write("describe item")).rows, 3);
    assert.equal((await write("summarize item;")).rows, 3);
    assert.equal((await write("pivot (from item where id < 4) on name using count(*)")).rows, 4);
    const found = driver.diagnose(await rejection(write("explain select 1")));
    assert.equal(found?.code, "UNSUPPORTED");
  });

  it("writes nothing but reads, and nothing but there", async () => {
    const inside = join(folder, "inside.parquet");
    for (const sql of [
      "delete from item",
      "select 1; select 2",
      "create table x as select 1",
      `copy item to '${inside}'`,
      `select 1) to '${inside}' (format parquet, use_tmp_file false) --`,
      `select 1) to '${inside}' (format parquet, use_tmp_file false); copy (select 1`,
      "from enable_logging()",
      "",
    ]) {
      const { code } = driver.diagnose(await rejection(write(sql))) ?? {};
      assert.ok(code === "POLICY_DENIED" || code === "SQL_INVALID", `${sql}: ${code}`);
    }
    assert.ok(!existsSync(inside));
  });

  it("leaves no file behind when it fails or is stopped", async () => {
    const before = readdirSync(folder);
    const found = driver.diagnose(await rejection(write("select nope from item")));
    assert.equal(found?.position, 7);
    await rejection(write("select case when i = 900000 then error('halfway') else i end from range(1000000) t(i)"));
    const caller = new AbortController();
    const writing = rejection(write("select i, hash(i) as h from range(1000000000) t(i)", [], caller.signal));
    setTimeout(() => caller.abort(new Error("gone")), 100);
    assert.equal(await writing, caller.signal.reason);
    assert.deepEqual(readdirSync(folder), before);
    assert.equal((await write("select 1 as one")).rows, 1);
  });
});

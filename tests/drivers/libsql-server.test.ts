import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection, Target } from "../../core/contract/driver.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { answer, cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type LibsqlServer, libsqlAbsence, startLibsql } from "../support/services-libsql.ts";
import { driverOf, targetAt } from "./libsql-suite.ts";

const driver = driverOf(await activate({ contract: 1, log: () => undefined }));
const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select sum(i) from n";
const forever = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n";

async function diagnosis(failing: Promise<unknown>) {
  const error = await rejection(failing);
  return driver.diagnose(error) ?? assert.fail(String(error));
}

/** A server in front of another one. Without the newest protocol, unless it is cut: then it passes on what it is asked and loses the answer. */
async function serverBefore(port: number, isCut?: () => boolean) {
  const server = createServer((asked, answer) => {
    if (asked.method === "GET" && isCut === undefined) return void answer.writeHead(404).end();
    const { url: path, method, headers } = asked;
    asked.pipe(
      request({ host: "127.0.0.1", port, path, method, headers }, (found) => {
        if (isCut?.()) return void found.resume().once("end", () => asked.socket.destroy());
        answer.writeHead(found.statusCode ?? 500, found.headers);
        found.pipe(answer);
      }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe("libsql on a server", { skip: libsqlAbsence() ?? false }, () => {
  let server: LibsqlServer;
  const folder = mkdtempSync(join(tmpdir(), "tidegate-libsql-server-"));
  const target = (port: number, token: string): Target => ({
    ...targetAt("libsql+http", `127.0.0.1:${port}`),
    password: { reveal: () => token },
  });
  const open = (readOnly: boolean, access: "rw" | "ro" = "rw"): Promise<Connection> =>
    driver.connect(target(server.port, server.token(access)), { signal: never, readOnly });
  const replica = (name: string, options: Record<string, string> = {}, readOnly = true) =>
    driver.connect(
      targetAt("libsql", join(folder, name), {
        syncUrl: `http://127.0.0.1:${server.port}`,
        authToken: server.token("rw"),
        ...options,
      }),
      { signal: never, readOnly },
    );
  before(async () => {
    server = await startLibsql();
    await using writer = await open(false);
    await rowsOf(writer, "create table t (a integer, b text)");
    await rowsOf(writer, "insert into t values (1, 'one')");
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  /** What the server works in a while in which nobody should be asking for anything. */
  const restless = async () => {
    await setTimeout(300);
    const start = server.cpuSeconds();
    await setTimeout(700);
    return server.cpuSeconds() - start;
  };

  it("leaves nothing running there when a caller leaves, before the first row and after", async () => {
    await using connection = await open(true);
    const caller = new AbortController();
    const reading = connection.query(endless, [], { signal: caller.signal, batchSize: 10 }).then(firstBatch);
    await setTimeout(200);
    caller.abort(new Error("gone"));
    assert.equal(await rejection(reading), caller.signal.reason);
    assert.equal(await firstBatch(await connection.query(forever, [], { signal: never, batchSize: 10 })), 10);
    assert.ok((await restless()) < 0.3);
    assert.equal(await cellOf(connection, "select a from t"), 1);
  });

  it("tells a token that may only read from a wall that was tried", async () => {
    await using limited = await open(true, "ro");
    assert.equal(await cellOf(limited, "select b from t"), "one");
    assert.equal((await limited.proveReadOnly(never)).state, "role-limited");
    await using writer = await open(false, "ro");
    assert.equal((await diagnosis(rowsOf(writer, "insert into t values (2, 'no')"))).code, "FORBIDDEN");
    await using walled = await open(true);
    const { state, attempts } = await walled.proveReadOnly(never);
    assert.deepEqual([state, attempts.at(-1)?.by], ["verified", "the transaction of every read is rolled back"]);
  });

  it("notices that the schema changed after it looked at a statement", async () => {
    await using writer = await open(false);
    await rowsOf(writer, "create table changing (a)");
    await rowsOf(writer, "insert into changing values (1)");
    await using reader = await open(true);
    assert.deepEqual(await rowsOf(reader, "select * from changing"), [[1]]);
    await rowsOf(writer, "alter table changing rename column a to z");
    await rowsOf(writer, "alter table changing add column y default 'new'");
    const { columns, rows } = await answer(reader, "select * from changing");
    assert.deepEqual([columns.map(({ name }) => name), rows], [["z", "y"], [[1, "new"]]]);
  });

  it("refuses text that is not UTF-8, and says where a statement is wrong", async () => {
    await using connection = await open(true);
    assert.equal((await diagnosis(rowsOf(connection, "select cast(x'61ff62' as text) as a"))).code, "UNSUPPORTED");
    const sql = "select 'é😀', nmae from t";
    assert.equal((await diagnosis(rowsOf(connection, sql))).position, sql.indexOf("nmae"));
    assert.equal((await diagnosis(rowsOf(connection, "select 1; select 2"))).code, "SQL_INVALID");
    await using writer = await open(false);
    assert.equal((await diagnosis(rowsOf(writer, "vacuum"))).code, "UNSUPPORTED");
  });

  it("keeps a transaction when rows of it are left early", async () => {
    await using connection = await open(false);
    assert.ok(connection.begin);
    await using transaction = await connection.begin({ signal: never, readOnly: false });
    const count = async () => {
      await using rows = await transaction.query("select count(*) from t", [], { signal: never, batchSize: 1 });
      for await (const { columns } of rows) return columns[0]?.[0];
    };
    await (await transaction.query("insert into t values (9, 'nine')", [], { signal: never, batchSize: 1 }))[Symbol.asyncDispose]();
    assert.equal(await firstBatch(await transaction.query("values (1), (2), (3)", [], { signal: never, batchSize: 1 })), 1);
    assert.equal(await count(), 2);
    await transaction.rollback();
    assert.equal(await cellOf(connection, "select count(*) from t"), 1);
  });

  it("speaks the older protocol where it must, and says what that cannot carry", async () => {
    const older = await serverBefore(server.port);
    try {
      await using connection = await driver.connect(target(older.port, server.token("rw")), { signal: never, readOnly: true });
      assert.deepEqual(await rowsOf(connection, "select a, b, 9007199254740993, x'00', char(0) from t where a = ?", [1]), [
        [1, "one", 9007199254740993n, new Uint8Array([0]), "\0"],
      ]);
      assert.equal((await diagnosis(rowsOf(connection, "select 9e999"))).code, "UNSUPPORTED");
      assert.equal((await diagnosis(rowsOf(connection, "select * from u"))).code, "SQL_INVALID");
      const large = "with recursive n(i) as (select 1 union all select i + 1 from n limit 20) select printf('%01000000d', i) from n";
      assert.equal((await diagnosis(rowsOf(connection, large))).code, "LIMIT_EXCEEDED");
    } finally {
      older.close();
    }
  });

  it("does not offer to repeat a write whose answer was lost", async () => {
    let isCut = false;
    const front = await serverBefore(server.port, () => isCut);
    try {
      await using writer = await driver.connect(target(front.port, server.token("rw")), { signal: never, readOnly: false });
      assert.equal(await cellOf(writer, "select count(*) from t"), 1);
      const cutting = async (work: () => Promise<unknown>) => {
        isCut = true;
        const { code, retryable } = await diagnosis(work());
        isCut = false;
        return [code, retryable];
      };
      const insert = "insert into t values (5, 'cut')";
      await writer.analyze(insert, never);
      assert.deepEqual(await cutting(() => rowsOf(writer, insert)), ["CONNECTION_FAILED", false]);
      assert.ok(writer.begin);
      await using transaction = await writer.begin({ signal: never, readOnly: false });
      await (await transaction.query(insert, [], { signal: never, batchSize: 1 }))[Symbol.asyncDispose]();
      assert.deepEqual(await cutting(() => transaction.commit(never)), ["CONNECTION_FAILED", false]);
      assert.notEqual((await cutting(() => cellOf(writer, "select count(*) from t")))[1], false);
      assert.equal(await cellOf(writer, "select count(*) from t where a = 5"), 2);
      await rowsOf(writer, "delete from t where a = 5");
    } finally {
      front.close();
    }
  });

  it("is followed by a replica, which sends writes on and reads what it has", async () => {
    await using writer = await replica("replica.db", {}, false);
    assert.deepEqual(await rowsOf(writer, "select * from t"), [[1, "one"]]);
    await rowsOf(writer, "insert into t values (2, 'zwei' || char(0))");
    assert.equal((await answer(writer, "insert into t values (3, 'drei') returning a, b")).affectedRows, 1);
    await using there = await open(true);
    assert.deepEqual(await rowsOf(there, "select b from t order by a"), [["one"], ["zwei\0"], ["drei"]]);
    await using reader = await replica("replica.db");
    assert.deepEqual(await rowsOf(reader, "select b from t order by a"), [["one"], ["zwei\0"], ["drei"]]);
    assert.equal((await reader.proveReadOnly(never)).state, "verified");
    await rowsOf(writer, "delete from t where a > 1");
  });

  it("is followed at once, or when a replica is told to", async () => {
    await using slow = await replica("slow.db");
    await using quick = await replica("quick.db", { syncInterval: "0" });
    await using writer = await open(false);
    await rowsOf(writer, "insert into t values (7, 'seven')");
    assert.equal(await cellOf(slow, "select count(*) from t"), 1);
    assert.equal(await cellOf(quick, "select count(*) from t"), 2);
    await rowsOf(writer, "delete from t where a = 7");
  });

  it("is copied to one replica by several connections at once", async () => {
    const readers = await Promise.all(Array.from({ length: 4 }, () => replica("shared.db")));
    for (const reader of readers) {
      assert.equal(await cellOf(reader, "select count(*) from t"), 1);
      assert.equal(await cellOf(reader, "pragma integrity_check"), "ok");
      await reader[Symbol.asyncDispose]();
    }
  });

  it("is said to be gone when it is, by what reads it and by what follows it", async () => {
    const other = await startLibsql({ tokens: false });
    await using connection = await driver.connect(targetAt("libsql+http", `127.0.0.1:${other.port}`), { signal: never, readOnly: true });
    const stream = await connection.query(forever, [], { signal: never, batchSize: 1 });
    const reading = async () => {
      for await (const _ of stream) other.process.kill("SIGKILL");
    };
    assert.equal((await diagnosis(reading())).code, "CONNECTION_FAILED");
    assert.equal((await diagnosis(connection.ping(never))).code, "CONNECTION_FAILED");
    await other.stop();
    const gone = driver.connect(targetAt("libsql", join(folder, "gone.db"), { syncUrl: `http://127.0.0.1:${other.port}` }), {
      signal: never,
      readOnly: true,
    });
    const { code, message } = await diagnosis(gone);
    assert.equal(code, "CONNECTION_FAILED");
    assert.match(message, /connection refused/);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection, Target } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const cancels = Number(process.env.TIDEGATE_TEST_CANCELS ?? 200);
const forever = "select i, repeat('x', 200) from (select generate_series(1, 1000000000000) as i) as s";
const endless = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3";

describe("driver postgres, when things break", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(bin as string);
  });
  after(() => server?.stop());

  const open = (more: Partial<Target> = {}): Promise<Connection> =>
    driver.connect(server.target("postgres", more), { signal: never, readOnly: true });
  const others = "select count(*) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";
  const diagnosed = async (failing: Promise<unknown>) => driver.diagnose(await rejection(failing));

  it("says that the server is gone when it dies between two batches, and connects again when it is back", async () => {
    const connection = await open();
    const stream = await connection.query(forever, [], { signal: never, batchSize: 100 });
    const reading = (async () => {
      let batches = 0;
      for await (const _ of stream) if (++batches === 3) await server.crash();
    })();
    assert.equal((await diagnosed(reading))?.code, "CONNECTION_FAILED");
    assert.equal(connection.ended, true);
    assert.equal((await diagnosed(rowsOf(connection, "select 1")))?.code, "CONNECTION_FAILED");
    await connection[Symbol.asyncDispose]();
    assert.equal((await diagnosed(open()))?.code, "CONNECTION_FAILED");
    await server.start();
    await using next = await open();
    assert.equal(await cellOf(next, "select 1"), 1);
  });

  it("says that the server is gone when it dies before the first row, and in the middle of a copy", async () => {
    for (const start of [
      async (connection: Connection) => void (await firstBatch(await connection.query(endless, [], { signal: never, batchSize: 100 }))),
      async (connection: Connection) => {
        for await (const _ of (await connection.copyOut?.(forever, [], { signal: never, batchSize: 100 })) ?? []);
      },
    ]) {
      const connection = await open();
      const failing = diagnosed(start(connection));
      const crashing = setTimeout(100).then(() => server.crash());
      assert.equal((await failing)?.code, "CONNECTION_FAILED");
      await crashing;
      assert.equal(connection.ended, true);
      await connection[Symbol.asyncDispose]();
      await server.start();
    }
  });

  it("is ended by an administrator with a reason that may be tried again", async () => {
    await using connection = await open();
    const pid = await cellOf(connection, "select pg_backend_pid()");
    const failing = diagnosed(firstBatchOf(connection, endless));
    await setTimeout(50);
    server.psql(`select pg_terminate_backend(${pid})`);
    assert.deepEqual(
      { ...(await failing) },
      { code: "CONNECTION_FAILED", message: "The server ended the connection", hint: "Run it again", retryable: true },
    );
    assert.equal(connection.ended, true);
  });

  it("is cancelled by an administrator and goes on", async () => {
    await using connection = await open();
    const pid = await cellOf(connection, "select pg_backend_pid()");
    const failing = diagnosed(firstBatchOf(connection, endless));
    await until(
      () => server.psql(`select query ilike 'select count%' and state = 'active' from pg_stat_activity where pid = ${pid}`) === "t",
    );
    server.psql(`select pg_cancel_backend(${pid})`);
    assert.equal((await failing)?.code, "CANCELLED");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("stops or undoes what was sent together with the beginning of its transaction, when that is what is cancelled", async () => {
    server.psql("create table counted (x int)");
    let kept = 0;
    for (const sql of [endless, "insert into counted values (1)"]) {
      let connection: Connection | undefined;
      for (let round = 0; round < cancels / 4; round++) {
        if (connection === undefined || connection.ended) {
          await connection?.[Symbol.asyncDispose]();
          connection = await driver.connect(server.target("postgres"), { signal: never, readOnly: sql === endless });
        }
        const pid = Number(await cellOf(connection, "select pg_backend_pid()"));
        // What is described already is sent in one piece with its transaction.
        await connection.analyze(sql);
        const caller = new AbortController();
        const running = connection.query(sql, [], { signal: caller.signal, batchSize: 1 }).then(firstBatch);
        const outcome = running.then(
          () => "kept",
          (error) => (error === caller.signal.reason ? "left" : driver.diagnose(error)?.code),
        );
        for (let turn = 0; turn < 6; turn++) await Promise.resolve();
        for (const end = performance.now() + (round % 10) / 10; performance.now() < end; ) process.kill(pid, "SIGINT");
        const leaving = globalThis.setTimeout(() => caller.abort(new Error("gone")), 5);
        const became = await outcome;
        clearTimeout(leaving);
        if (became === "kept") kept++;
        else assert.match(String(became), /^(left|CANCELLED)$/);
      }
      await connection?.[Symbol.asyncDispose]();
    }
    assert.equal(Number(server.psql("select count(*) from counted")), kept);
    await until(() => server.psql(others) === "0");
  });

  it(`leaves nothing running after ${cancels} cancels in a row, and answers every question in between`, async () => {
    await using connection = await open();
    for (let round = 0; round < cancels; round++) {
      const caller = new AbortController();
      const sql = round % 2 === 0 ? endless : forever;
      const reading = (async () => {
        for await (const _ of await connection.query(sql, [], { signal: caller.signal, batchSize: 50 }));
      })();
      void setTimeout(round % 7).then(() => caller.abort(new Error("gone")));
      assert.equal(await rejection(reading), caller.signal.reason);
      assert.equal(await cellOf(connection, `select ${round}`), round);
    }
    assert.equal(server.psql(`${others} and state <> 'idle'`), "0");
    assert.equal(server.psql(others), "1");
  });

  it("leaves no session behind when it is closed, in the middle of whatever it did", async () => {
    for (const sql of [forever, endless]) {
      const connection = await open();
      const stream = await connection.query(sql, [], { signal: never, batchSize: 50 });
      if (sql === forever) await firstBatch(stream);
      await connection[Symbol.asyncDispose]();
    }
    await until(() => server.psql(others) === "0");
  });

  it("gives up a server that does not answer a cancel", async () => {
    const connection = await open();
    const pid = Number(await cellOf(connection, "select pg_backend_pid()"));
    const caller = new AbortController();
    const reading = firstBatchOf(connection, endless, caller.signal);
    void setTimeout(50).then(() => {
      process.kill(pid, "SIGSTOP");
      caller.abort(new Error("gone"));
    });
    try {
      assert.equal(await rejection(reading), caller.signal.reason);
      assert.equal(connection.ended, true);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await connection[Symbol.asyncDispose]();
    await until(() => server.psql(others) === "0");
  });

  it("says when there is no room for another connection", async () => {
    server.psql("create role one login connection limit 1 password 'one'");
    const login = { user: "one", password: { reveal: () => "one" } };
    await using _ = await open(login);
    const diagnosis = await diagnosed(open(login));
    assert.equal(diagnosis?.code, "CONNECTION_FAILED");
    assert.match(diagnosis?.message ?? "", /too many connections/i);
  });

  it("never shows a password in an error", async () => {
    for (const target of [
      server.target("postgres", { password: { reveal: () => "canary-in-vain" } }),
      server.target("none", { password: { reveal: () => "canary-in-vain" } }),
      server.target("postgres", { location: "127.0.0.1:1/x", password: { reveal: () => "canary-in-vain" } }),
    ]) {
      const error = (await rejection(driver.connect(target, { signal: never, readOnly: true }))) as Error;
      assert.doesNotMatch(`${JSON.stringify(driver.diagnose(error))} ${error.message} ${error.stack} ${JSON.stringify(error)}`, /canary/);
    }
  });
});

async function firstBatchOf(connection: Connection, sql: string, signal = never): Promise<number> {
  return firstBatch(await connection.query(sql, [], { signal, batchSize: 100 }));
}

async function until(reached: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !reached(); tries++) await setTimeout(20);
  assert.ok(reached());
}

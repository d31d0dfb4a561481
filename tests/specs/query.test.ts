import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createConnections } from "../../core/connection/connections.ts";
import { createLeases } from "../../core/connection/lease.ts";
import type { Column, RowStream } from "../../core/contract/rows.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { readOnlyRule } from "../../core/policy/read-only.ts";
import { type Caller, createQueryRunner } from "../../core/query/run.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry } from "../../core/telemetry/trace.ts";
import { type MemoryAnswer, memoryDriver } from "../support/memory-driver.ts";

const column: Column = { name: "n", type: "int", nativeType: "INT" };
const numbers = (count: number): MemoryAnswer => ({ columns: [column], rows: Array.from({ length: count }, (_, n) => [n]) });

function room(answers: Readonly<Record<string, MemoryAnswer>>, target = "memory:x") {
  const { driver, log } = memoryDriver(answers);
  const connections = createConnections({
    connections: [{ name: "main", target, folder: "/", write: false }],
    secrets: createSecrets({ env: {}, warn: () => undefined }),
    drivers: [driver],
    limits: { most: 2, waitMillis: 1000, idleMillis: 1000, lifetimeMillis: 60_000, checkAfterMillis: 1000 },
    unproved: (connection, why) => assert.fail(`${connection}: ${why}`),
  });
  const runner = createQueryRunner({
    connections,
    leases: createLeases({ connections, idleMillis: 1000, mostPerPrincipal: 1 }),
    policy: createPolicy([readOnlyRule(() => false)]),
    suggest: async (_connection, { missing }) => `Did you mean "${missing.slice(0, 3)}"?`,
    wrote: () => undefined,
  });
  const quiet = createLog({ level: "off", format: "text" });
  const telemetry = createTelemetry({
    config: { traces: "off", maxFileBytes: 1, maxFiles: 1, folder: "" },
    env: {},
    version: "0",
    log: quiet,
  });
  const caller = (signal = new AbortController().signal): Caller => ({
    principal: { id: "local", roles: [], via: "local" },
    signal,
    span: telemetry.root("verb", "query"),
  });
  return { runner, connections, log, caller };
}

async function count(rows: RowStream): Promise<number> {
  let total = 0;
  for await (const batch of rows) total += batch.length;
  return total;
}

describe("query", () => {
  it("streams every row and gives the connection back", async () => {
    const { runner, caller, log, connections } = room({ all: numbers(5000) });
    for (let round = 0; round < 3; round++) {
      await using prepared = await runner.prepare({ sql: "all" }, caller());
      assert.equal(await count(await prepared.rows()), 5000);
    }
    assert.equal(log.opened, 1, "one connection serves calls that follow each other");
    await connections.close();
    assert.equal(log.closed, 1);
  });

  it("cuts at the row limit and says it was cut", async () => {
    const { runner, caller, log } = room({ all: numbers(5000) });
    await using prepared = await runner.prepare({ sql: "all" }, caller());
    const rows = await prepared.rows(3000);
    assert.equal(await count(rows), 3000);
    assert.deepEqual(rows.passed, { rows: 3000, cut: "rows" });
    assert.equal(log.stopped, 1);
  });

  it("does not say cut when the result ends at the limit", async () => {
    const { runner, caller } = room({ all: numbers(2048) });
    await using prepared = await runner.prepare({ sql: "all" }, caller());
    const rows = await prepared.rows(2048);
    await count(rows);
    assert.equal(rows.passed.cut, false);
  });

  it("stops the engine when the reader leaves early", async () => {
    const { runner, caller, log } = room({ all: numbers(50_000) });
    await using prepared = await runner.prepare({ sql: "all" }, caller());
    for await (const _ of await prepared.rows()) break;
    assert.equal(log.stopped, 1);
  });

  it("gives the connection back when nobody reads the rows", async () => {
    const { runner, caller, connections } = room({ all: numbers(1) });
    for (let round = 0; round < 5; round++) {
      await using prepared = await runner.prepare({ sql: "all" }, caller());
      await using _ = await prepared.rows();
    }
    await connections.close();
  });

  it("refuses two statements, no statement, and writes", async () => {
    const { runner, caller, log } = room({ "drop table t": { ...numbers(0), kind: "schema" } });
    await assert.rejects(runner.prepare({ sql: "a;b" }, caller()), {
      code: "SQL_INVALID",
      message: "The text holds 2 statements: one is allowed per call",
    });
    await assert.rejects(runner.prepare({ sql: "  " }, caller()), { code: "SQL_INVALID" });
    await assert.rejects(runner.prepare({ sql: "drop table t" }, caller()), { code: "POLICY_DENIED" });
    assert.deepEqual(log.ran, []);
  });

  it("adds near names to what the engine did not find", async () => {
    const { runner, caller } = room({});
    await using prepared = await runner.prepare({ sql: "select * from custmers" }, caller());
    await assert.rejects(prepared.rows(), { code: "SQL_INVALID", hint: 'Did you mean "cus"?' });
  });

  it("names a dead database and tries again on the next call", async () => {
    const { runner, caller, connections } = room({}, "memory://dead");
    await assert.rejects(runner.prepare({ sql: "all" }, caller()), { code: "CONNECTION_FAILED", retryable: true });
    assert.equal(connections.reports()[0]?.state, "failed");
    await assert.rejects(runner.prepare({ sql: "all" }, caller()), { code: "CONNECTION_FAILED" });
  });

  it("turns a cancel into CANCELLED and discards the connection", async () => {
    const stop = new AbortController();
    const { runner, caller, log } = room({ all: { ...numbers(10_000), beforeBatch: async () => stop.abort() } });
    await using prepared = await runner.prepare({ sql: "all" }, caller(stop.signal));
    await assert.rejects(count(await prepared.rows()), { code: "CANCELLED" });
    assert.equal(log.closed, 1);
  });

  it("turns its time limit into TIMEOUT with the limit in the message", async () => {
    const waiting = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const { runner, caller } = room({ all: { ...numbers(1), beforeBatch: waiting } });
    await using prepared = await runner.prepare({ sql: "all", maxMillis: 20 }, caller());
    await assert.rejects(count(await prepared.rows()), { code: "TIMEOUT", message: /limit of 20 ms/ });
  });

  it("queues callers when every connection is taken, and lets them give up", async () => {
    const { connections } = room({ all: numbers(1) });
    const never = new AbortController().signal;
    const first = await connections.borrow("main", "read", never);
    const second = await connections.borrow("main", "read", never);
    const impatient = new AbortController();
    const third = connections.borrow("main", "read", impatient.signal);
    const fourth = connections.borrow("main", "read", never);
    impatient.abort();
    await assert.rejects(third, { name: "AbortError" });
    await first.release();
    await (await fourth).release();
    await second.release(true);
    await connections.close();
  });
});

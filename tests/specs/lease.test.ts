import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createApp } from "../../core/app.ts";
import { createConnections } from "../../core/connection/connections.ts";
import { createLeases } from "../../core/connection/lease.ts";
import type { Principal } from "../../core/contract/policy.ts";
import type { Column } from "../../core/contract/rows.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createCallers } from "../support/callers.ts";
import { createConfigFolder } from "../support/config-folder.ts";
import { type MemoryAnswer, memoryDriver } from "../support/memory-driver.ts";

const signal = new AbortController().signal;
const column: Column = { name: "n", type: "int", nativeType: "INT" };
const one = { columns: [column], rows: [[1]] };
const person = (id: string): Principal => ({ id, roles: [], via: "local" });
const [ann, ben] = [person("ann"), person("ben")];
const writing = { readOnly: false, signal };
const reading = { readOnly: true, signal };

function room(limits: { readonly idleMillis?: number } = {}, answers: Readonly<Record<string, MemoryAnswer>> = {}) {
  const { driver, log, server } = memoryDriver({ "select 1": one, "insert 1": { ...one, kind: "write" }, ...answers });
  const connections = createConnections({
    connections: [
      { name: "sales", target: "memory:x", folder: "/", write: true },
      { name: "archive", target: "memory:y", folder: "/", write: false },
    ],
    secrets: createSecrets({ env: {}, warn: () => undefined }),
    drivers: [driver],
    limits: { most: 4, waitMillis: 1000, idleMillis: 5000, lifetimeMillis: 60_000, checkAfterMillis: 5000 },
    unproved: () => undefined,
  });
  const leases = createLeases({ connections, idleMillis: 5000, mostPerPrincipal: 2, ...limits });
  const callers = createCallers(connections, leases);
  const run = (lease: string, sql: string, who = "ann", until = signal) => callers(who).cell({ sql, lease }, until);
  return { connections, leases, log, server, run };
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(5);
}

describe("a transaction across calls", () => {
  it("runs its statements on one connection, and commits when told", async () => {
    const { leases, log, run } = room();
    const id = await leases.begin("sales", ann, { ...writing, isolation: "serializable" });
    assert.equal(await run(id, "insert 1"), 1);
    assert.equal(await run(id, "select 1"), 1);
    await leases.commit(id, ann, signal);
    assert.deepEqual(log.ran.slice(0, 4), ["begin serializable", "insert 1", "select 1", "commit"]);
    assert.equal(log.opened, 1);
  });

  it("takes everything back when told, and leaves nothing on the connection", async () => {
    const { connections, leases, log, run } = room();
    const id = await leases.begin("sales", ann, reading);
    await run(id, "select 1");
    await leases.rollback(id, ann);
    assert.deepEqual(log.ran, ["begin read only", "select 1", "rollback", "reset"]);
    const loan = await connections.borrow("sales", "read", signal);
    assert.equal(loan.reused, true);
    await loan.release();
  });

  it("is judged statement by statement, as if it were none", async () => {
    const { leases, run } = room();
    const id = await leases.begin("sales", ann, reading);
    await assert.rejects(run(id, "insert 1"), { code: "POLICY_DENIED" });
    assert.equal(await run(id, "select 1"), 1, "a refused statement ends nothing");
    await assert.rejects(run(id, "select 1;select 1"), { code: "SQL_INVALID" });
    await assert.rejects(leases.begin("archive", ann, writing), { code: "POLICY_DENIED", message: 'Connection "archive" is read-only' });
    await leases.close();
  });

  it("is nobody else's", async () => {
    const { leases, log, run } = room();
    const id = await leases.begin("sales", ann, reading);
    const strange = { code: "NOT_FOUND", message: "There is no such transaction" };
    await assert.rejects(run(id, "select 1", "ben"), strange);
    await assert.rejects(leases.commit(id, ben, signal), strange);
    await assert.rejects(leases.rollback(id, ben), strange);
    await assert.rejects(leases.rollback(id, { ...ann, via: "oauth" }), strange);
    await assert.rejects(run("00000000-0000-0000-0000-000000000000", "select 1"), strange);
    assert.deepEqual(log.ran, ["begin read only"]);
    await leases.commit(id, ann, signal);
    await assert.rejects(leases.rollback(id, ben), strange);
  });

  it("is rolled back when nobody uses it, and says so to its owner", async () => {
    const { leases, log, run } = room({ idleMillis: 20 });
    const id = await leases.begin("sales", ann, writing);
    await until(() => log.ran.includes("rollback"));
    await assert.rejects(run(id, "select 1"), {
      code: "CONFLICT",
      message: "The transaction has ended: it was rolled back, because it was idle for 0.02 s",
      hint: "Begin another one",
    });
    await assert.rejects(run(id, "select 1", "ben"), { code: "NOT_FOUND" });
  });

  it("does not count as idle while a statement of it runs", async () => {
    const slow: MemoryAnswer = { ...one, beforeBatch: () => sleep(80) };
    const { leases, log, run } = room({ idleMillis: 20 }, { slow });
    const id = await leases.begin("sales", ann, reading);
    assert.equal(await run(id, "slow"), 1);
    assert.ok(!log.ran.includes("rollback"));
    await leases.rollback(id, ann);
  });

  it("runs one statement at a time", async () => {
    const gate = Promise.withResolvers<void>();
    const { leases, log, run } = room({}, { slow: { ...one, beforeBatch: () => gate.promise } });
    const id = await leases.begin("sales", ann, reading);
    const running = run(id, "slow");
    await until(() => log.ran.includes("slow"));
    const busy = { code: "CONFLICT", message: "The transaction runs another statement" };
    await assert.rejects(run(id, "select 1"), busy);
    await assert.rejects(leases.commit(id, ann, signal), busy);
    gate.resolve();
    assert.equal(await running, 1);
    await leases.commit(id, ann, signal);
  });

  it("holds no more connections for one principal than allowed", async () => {
    const { leases } = room();
    const begin = () => leases.begin("sales", ann, reading);
    const outcomes = await Promise.allSettled([begin(), begin(), begin()]);
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.equal(refused.length, 1);
    assert.deepEqual(
      [refused[0]?.reason.code, refused[0]?.reason.message],
      ["RATE_LIMITED", "Cannot begin a transaction: 2 transactions are open"],
    );
    await leases.begin("sales", ben, reading);
    const [first] = outcomes.filter((outcome) => outcome.status === "fulfilled");
    await leases.rollback(first?.value ?? "", ann);
    await begin();
    await leases.close();
  });

  it("ends with its connection", async () => {
    const { leases, log, run, server } = room();
    for (const how of ["seen", "unseen"] as const) {
      const id = await leases.begin("sales", ann, reading);
      server.restart(how);
      await assert.rejects(run(id, "select 1"), how === "seen" ? { code: "CONFLICT" } : { code: "CONNECTION_FAILED" });
      await assert.rejects(run(id, "select 1"), { code: "CONFLICT", message: /^The transaction has ended: it was rolled back, because / });
    }
    assert.equal(log.closed, 2);
    const [first, second] = [await leases.begin("sales", ann, reading), await leases.begin("sales", ann, reading)];
    await leases.rollback(first, ann);
    await leases.rollback(second, ann);
  });

  it("is rolled back when a statement of it is cancelled", async () => {
    const waiting: MemoryAnswer = { ...one, beforeBatch: (stopped) => sleep(10_000, undefined, { signal: stopped }) };
    const { leases, log, run } = room({}, { waiting });
    const id = await leases.begin("sales", ann, reading);
    const leaving = new AbortController();
    const running = run(id, "waiting", "ann", leaving.signal);
    await until(() => log.ran.includes("waiting"));
    leaving.abort();
    await assert.rejects(running, { code: "CANCELLED" });
    await assert.rejects(run(id, "select 1"), { code: "CONFLICT" });
    assert.ok(log.ran.includes("rollback"));
    assert.equal(log.closed, 1);
  });

  it("begins on a fresh connection when the idle one has died", async () => {
    const { connections, leases, server, run } = room();
    await (await connections.borrow("sales", "read", signal)).release();
    server.restart("unseen");
    const id = await leases.begin("sales", ann, reading);
    assert.equal(await run(id, "select 1"), 1);
    await leases.close();
  });

  it("is rolled back when tidegate ends", async () => {
    const { connections, leases, log } = room();
    await leases.begin("sales", ann, writing);
    await leases.begin("archive", ben, reading);
    await leases.close();
    await connections.close();
    assert.equal(log.ran.filter((what) => what === "rollback").length, 2);
    assert.equal(log.closed, 2);
  });

  it("is refused for an engine that has none", async () => {
    const { driver } = memoryDriver({});
    const connections = createConnections({
      connections: [{ name: "sales", target: "memory:x", folder: "/", write: true }],
      secrets: createSecrets({ env: {}, warn: () => undefined }),
      drivers: [{ ...driver, connect: async (...asked) => ({ ...(await driver.connect(...asked)), begin: undefined }) as never }],
      limits: { most: 1, waitMillis: 1000, idleMillis: 5000, lifetimeMillis: 60_000, checkAfterMillis: 5000 },
      unproved: () => undefined,
    });
    const leases = createLeases({ connections, idleMillis: 5000, mostPerPrincipal: 1 });
    for (let round = 0; round < 3; round++) await assert.rejects(leases.begin("sales", ann, reading), { code: "UNSUPPORTED" });
  });
});

describe("the app", () => {
  it("offers transactions, runs statements in them, and rolls them back when it closes", async () => {
    const folder = createConfigFolder();
    const { driver, log } = memoryDriver({ "insert 1": { ...one, kind: "write" } });
    const app = await createApp({
      config: await folder.loadText("telemetry: { traces: off }\n"),
      connections: [{ name: "sales", target: "memory:x", folder: folder.project, write: true }],
      bundled: { memory: async () => ({ default: () => ({ drivers: [driver] }) }) },
      seatCommand: [],
      env: {},
      version: "0",
    });
    const id = await app.leases.begin("sales", ann, writing);
    const caller = { principal: ann, signal, span: app.telemetry.root("verb", "query") };
    await using prepared = await app.prepare({ sql: "insert 1", lease: id }, caller);
    for await (const _ of await prepared.rows());
    await app.close();
    assert.deepEqual(log.ran.slice(0, 3), ["begin", "insert 1", "rollback"]);
    assert.equal(log.closed, 1);
    folder.remove();
  });
});

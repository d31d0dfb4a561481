import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Borrowed, type Connections, createConnections } from "../../core/connection/connections.ts";
import type { PoolLimits } from "../../core/connection/pool.ts";
import { Problem } from "../../core/problem.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createCallers } from "../support/callers.ts";
import { type MemoryAnswer, memoryDriver } from "../support/memory-driver.ts";

const never = new AbortController().signal;

function room(limits: Partial<PoolLimits> = {}, answers: Readonly<Record<string, MemoryAnswer>> = {}) {
  const { driver, log, server } = memoryDriver(answers);
  const connections = createConnections({
    connections: [{ name: "sales", target: "memory:x", folder: "/", write: true }],
    secrets: createSecrets({ env: {}, warn: () => undefined }),
    drivers: [driver],
    limits: { most: 2, waitMillis: 5000, idleMillis: 5000, lifetimeMillis: 60_000, checkAfterMillis: 5000, ...limits },
    unproved: () => undefined,
  });
  return { connections, log, server };
}

const borrow = (connections: Connections, signal = never) => connections.borrow("sales", "read", signal);

/** Opens `count` connections side by side and gives them back. */
async function warm(connections: Connections, count: number): Promise<void> {
  const loans = await Promise.all(Array.from({ length: count }, () => borrow(connections)));
  await Promise.all(loans.map((loan) => loan.release()));
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(5);
}

describe("a pool", () => {
  it("opens nothing before the first call, and lends what it opened to the calls that follow", async () => {
    const { connections, log } = room();
    assert.equal(log.attempts, 0);
    for (let round = 0; round < 5; round++) await (await borrow(connections)).release();
    assert.deepEqual([log.opened, log.pings], [1, 0], "nothing is asked of a connection that was just used");
    await connections.close();
    assert.equal(log.closed, 1);
  });

  it("never has more connections than it may, and serves callers in the order they came", async () => {
    const { connections, log } = room();
    const held = [await borrow(connections), await borrow(connections)];
    const served: number[] = [];
    const waiting = Array.from({ length: 20 }, async (_, n) => {
      const loan = await borrow(connections);
      served.push(n);
      await sleep(1);
      await loan.release();
    });
    for (const loan of held) await loan.release();
    const latecomer = borrow(connections).then((loan) => {
      served.push(99);
      return loan.release();
    });
    await Promise.all([...waiting, latecomer]);
    assert.deepEqual(served, [...Array.from({ length: 20 }, (_, n) => n), 99]);
    assert.equal(log.opened, 2);
  });

  it("says that all are busy when none comes free in time", async () => {
    const { connections } = room({ waitMillis: 20 });
    const held = [await borrow(connections), await borrow(connections)];
    await assert.rejects(borrow(connections), {
      code: "RATE_LIMITED",
      message: 'All 2 connections of "sales" are busy, and none came free within 0.02 s',
      hint: "Try again later, or raise limits.maxConcurrent or pool.wait",
    });
    for (const loan of held) await loan.release();
    await (await borrow(connections)).release();
  });

  it("lets a caller leave the queue, and nobody behind it waits longer for that", async () => {
    const { connections } = room({ most: 1 });
    const held = await borrow(connections);
    const leaving = new AbortController();
    const left = borrow(connections, leaving.signal);
    const next = borrow(connections);
    leaving.abort();
    await assert.rejects(left, { name: "AbortError" });
    await held.release();
    await (await next).release();
  });

  it("keeps its place for the next one when a caller leaves while a connection is opened", async () => {
    const { connections, server, log } = room({ most: 1 });
    const gate = Promise.withResolvers<void>();
    server.beforeConnect = () => gate.promise;
    const leaving = new AbortController();
    const left = borrow(connections, leaving.signal);
    await until(() => log.attempts === 1);
    leaving.abort();
    gate.resolve();
    await assert.rejects(left, { name: "AbortError" });
    await (await borrow(connections)).release();
  });

  it("closes what nobody used for a while", async () => {
    const { connections, log } = room({ idleMillis: 20 });
    await warm(connections, 2);
    await until(() => log.closed === 2);
    await (await borrow(connections)).release();
    assert.equal(log.opened, 3);
  });

  it("replaces a connection that has served its time", async () => {
    const { connections, log } = room({ lifetimeMillis: 1 });
    const loan = await borrow(connections);
    await sleep(5);
    await loan.release();
    assert.equal(log.closed, 1);
  });

  it("checks a connection that was idle for long", async () => {
    const { connections, log } = room({ checkAfterMillis: 1 });
    await warm(connections, 1);
    await sleep(5);
    await (await borrow(connections)).release();
    assert.deepEqual([log.pings, log.opened], [1, 1]);
  });

  it("closes a connection that is given back after the pool was closed", async () => {
    const { connections, log } = room();
    const loan = await borrow(connections);
    await connections.close();
    await loan.release();
    assert.equal(log.closed, 1);
    await assert.rejects(borrow(connections), { code: "CONNECTION_FAILED", message: 'The connection "sales" is closed' });
  });

  it("takes back what a writer left on its connection, and asks nothing of one that only read", async () => {
    const { connections, log, server } = room();
    await (await borrow(connections)).release();
    assert.deepEqual(log.ran, []);
    await (await connections.borrow("sales", "write", never)).release();
    assert.deepEqual(log.ran, ["reset"]);
    const loan = await connections.borrow("sales", "write", never);
    server.restart("unseen");
    await loan.release();
    assert.equal(log.closed, 1, "what cannot be taken back goes with the connection");
  });
});

describe("a pool whose server was restarted", () => {
  it("lends no connection that it knows to be dead", async () => {
    const { connections, log, server } = room();
    await warm(connections, 2);
    server.restart("seen");
    await warm(connections, 2);
    assert.deepEqual([log.opened, log.closed], [4, 2]);
  });

  it("checks the others once one of them has broken", async () => {
    const { connections, log, server } = room({ most: 4 });
    await warm(connections, 4);
    const broken = await borrow(connections);
    server.restart("unseen");
    await broken.release(true);
    const loan = await borrow(connections);
    assert.equal(loan.reused, false, "none of the dead ones was lent");
    assert.deepEqual([log.pings, log.opened, log.closed], [3, 5, 4]);
    await loan.release();
  });
});

describe("a call on a connection that died while it was idle", () => {
  it("is answered by a fresh one, once, and only as long as nothing has run", async () => {
    const { connections, log, server } = room({}, { "select 1": { columns: [], rows: [] } });
    const { cell } = createCallers(connections)();
    await cell("select 1");
    server.restart("unseen");
    await cell("select 1");
    assert.equal(log.opened, 2);
    server.beforeQuery = () => server.restart("unseen");
    await assert.rejects(cell("select 1"), { code: "CONNECTION_FAILED" });
    assert.equal(log.opened, 2, "a statement that may have run is not sent again");
  });
});

describe("a pool whose server is down", () => {
  const failure = { code: "CONNECTION_FAILED", message: "Cannot open memory:x: The engine is dead", hint: "Start it" };

  it("gives everybody a clear error, and asks the server only now and then", async () => {
    const { connections, log, server } = room();
    server.state = "down";
    await Promise.all(Array.from({ length: 100 }, () => assert.rejects(borrow(connections), failure)));
    assert.ok(log.attempts <= 4, `${log.attempts} attempts`);
    assert.equal(connections.reports()[0]?.error, failure.message);
  });

  it("succeeds with the first call after the server has come back", async () => {
    const { connections, log, server } = room();
    server.state = "down";
    for (let round = 0; round < 3; round++) await assert.rejects(borrow(connections), failure);
    server.state = "up";
    await warm(connections, 2);
    assert.equal(log.opened, 2);
    assert.deepEqual([connections.reports()[0]?.state, connections.reports()[0]?.error], ["open", undefined]);
  });

  it("lets a caller leave while it waits for the next attempt", async () => {
    const { connections, server, log } = room();
    server.state = "down";
    await assert.rejects(borrow(connections), failure);
    const leaving = new AbortController();
    const calls = [borrow(connections, leaving.signal), borrow(connections, leaving.signal)];
    leaving.abort();
    for (const call of calls) await assert.rejects(call, { name: "AbortError" });
    assert.equal(log.attempts, 1);
    server.state = "up";
    await (await borrow(connections)).release();
  });

  it("goes on to the next caller when the one who tries leaves", async () => {
    const { connections, server, log } = room();
    server.state = "down";
    await assert.rejects(borrow(connections), failure);
    const gate = Promise.withResolvers<void>();
    server.beforeConnect = () => gate.promise;
    const leaving = new AbortController();
    const trying = borrow(connections, leaving.signal);
    const waiting = borrow(connections);
    await until(() => log.attempts === 2);
    server.state = "up";
    leaving.abort();
    gate.resolve();
    await assert.rejects(trying, { name: "AbortError" });
    await (await waiting).release();
  });

  it("does not send credentials again that were just rejected", async () => {
    const { connections, log, server } = room();
    server.state = "rejecting";
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => borrow(connections)));
    for (const outcome of outcomes) assert.equal(reason(outcome).code, "CREDENTIALS_REJECTED");
    await assert.rejects(borrow(connections), {
      code: "CREDENTIALS_REJECTED",
      message: /^Cannot open memory:x: The password is wrong \(not tried again for 1 s, so that no account is locked\)$/,
    });
    assert.ok(log.attempts <= 2, `${log.attempts} attempts`);
  });
});

function reason(outcome: PromiseSettledResult<Borrowed>): Problem {
  assert.ok(outcome.status === "rejected" && outcome.reason instanceof Problem);
  return outcome.reason;
}

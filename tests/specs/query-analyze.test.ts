import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createConnections } from "../../core/connection/connections.ts";
import { createLeases } from "../../core/connection/lease.ts";
import type { Driver } from "../../core/contract/driver.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { createQueryRunner } from "../../core/query/run.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry } from "../../core/telemetry/trace.ts";
import { memoryDriver } from "../support/memory-driver.ts";

/** A driver whose engine says nothing when it is asked what a statement is, as behind a network that was cut. */
function silent() {
  const { driver, log } = memoryDriver({});
  const never: Driver = {
    ...driver,
    async connect(target, options) {
      const connection = await driver.connect(target, options);
      const analyze = (_: string, signal?: AbortSignal) =>
        new Promise<never>((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
      return Object.assign(connection, { analyze });
    },
  };
  const connections = createConnections({
    connections: [{ name: "main", target: "memory:x", folder: "/", write: false }],
    secrets: createSecrets({ env: {}, warn: () => undefined }),
    drivers: [never],
    limits: { most: 2, waitMillis: 1000, idleMillis: 1000, lifetimeMillis: 60_000, checkAfterMillis: 1000 },
    unproved: () => undefined,
  });
  const leases = createLeases({ connections, idleMillis: 1000, mostPerPrincipal: 1 });
  const runner = createQueryRunner({
    connections,
    leases,
    policy: createPolicy([]),
    suggest: async () => undefined,
    wrote: () => undefined,
  });
  const config = { traces: "off", maxFileBytes: 1, maxFiles: 1, folder: "" } as const;
  const telemetry = createTelemetry({ config, env: {}, version: "0", log: createLog({ level: "off", format: "text" }) });
  const caller = (signal: AbortSignal) => ({
    principal: { id: "local", roles: [], via: "local" as const },
    signal,
    span: telemetry.root("verb", "query"),
  });
  return { runner, connections, log, caller };
}

describe("looking at a statement before it runs", () => {
  it("ends with the time limit, and gives up the connection that said nothing", async () => {
    const { runner, connections, log, caller } = silent();
    const preparing = runner.prepare({ sql: "x", maxMillis: 20 }, caller(new AbortController().signal));
    await assert.rejects(preparing, { code: "TIMEOUT" });
    await connections.close();
    assert.equal(log.closed, log.opened);
  });

  it("ends when the caller leaves", async () => {
    const { runner, connections, log, caller } = silent();
    const leaving = new AbortController();
    const preparing = runner.prepare({ sql: "x" }, caller(leaving.signal));
    setImmediate(() => leaving.abort());
    await assert.rejects(preparing, { code: "CANCELLED" });
    await connections.close();
    assert.equal(log.closed, log.opened);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createConnections } from "../../core/connection/connections.ts";
import { createLeases } from "../../core/connection/lease.ts";
import type { Analysis, RelationUse } from "../../core/contract/analysis.ts";
import type { Connection, Driver } from "../../core/contract/driver.ts";
import type { Narrowing } from "../../core/contract/policy.ts";
import type { Value } from "../../core/contract/rows.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { Problem } from "../../core/problem.ts";
import { fit } from "../../core/query/fit.ts";
import { createQueryRunner } from "../../core/query/run.ts";
import { wholeRows } from "../../core/query/whole.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry } from "../../core/telemetry/trace.ts";
import { memoryDriver } from "../support/memory-driver.ts";

const text = { name: "a", type: "text", nativeType: "text" } as const;
const rows = (count: number, size = 10): Value[][] => Array.from({ length: count }, () => ["x".repeat(size)]);
const telemetry = createTelemetry({
  config: { traces: "off", maxFileBytes: 1, maxFiles: 1, folder: "" },
  env: {},
  version: "0",
  log: createLog({ level: "error", format: "text" }),
});

const written = (access: RelationUse["access"], name = "t"): RelationUse => ({ name, kind: "table", access });
const analysisOf = (verb: string, relations: readonly RelationUse[]): Analysis => ({
  verb,
  relations,
  columns: [],
  functions: [],
  complexity: { relations: 1, joins: 0, depth: 1, recursive: false },
  fingerprint: "0123456789abcdef",
});

interface World {
  readonly answers: Parameters<typeof memoryDriver>[0];
  readonly narrowing: Narrowing;
  readonly analyses?: Readonly<Record<string, Analysis>>;
  readonly affected?: number;
  readonly more?: Partial<Connection>;
  readonly without?: "begin";
}

/** The engine with what a test needs on top: analyses, numbers of changed rows, estimates. */
function world({ answers, narrowing, analyses = {}, affected, more = {}, without }: World) {
  const { driver, log } = memoryDriver(answers);
  const counted = async (stream: ReturnType<Connection["query"]>) =>
    Object.assign(await stream, affected === undefined ? {} : { affectedRows: affected });
  const rich: Driver = {
    ...driver,
    async connect(target, options) {
      const connection = await driver.connect(target, options);
      const { analyze, query, begin } = connection;
      return Object.assign(connection, more, {
        analyze: async (sql: string) => (await analyze(sql)).map((one) => ({ ...one, ...(analyses[sql] && { analysis: analyses[sql] }) })),
        query: (...asked: Parameters<typeof query>) => counted(query(...asked)),
        begin:
          without === "begin" || begin === undefined
            ? undefined
            : async (given: Parameters<typeof begin>[0]) => {
                const transaction = await begin(given);
                return { ...transaction, query: (...asked: Parameters<typeof query>) => counted(transaction.query(...asked)) };
              },
      });
    },
  };
  const connections = createConnections({
    connections: [{ name: "main", target: "memory:x", folder: "/", write: true }],
    secrets: createSecrets({ env: {}, warn: () => undefined }),
    drivers: [rich],
    limits: { most: 2, waitMillis: 1000, idleMillis: 1000, lifetimeMillis: 60_000, checkAfterMillis: 1000 },
    unproved: () => undefined,
  });
  const leases = createLeases({ connections, idleMillis: 60_000, mostPerPrincipal: 1 });
  const policy = createPolicy([{ name: "test", judge: () => narrowing }]);
  const runner = createQueryRunner({ connections, leases, policy, suggest: async () => undefined, wrote: () => undefined });
  const signal = new AbortController().signal;
  const principal = { id: "local", roles: [], via: "local" } as const;
  const caller = () => ({ principal, signal, span: telemetry.root("verb", "query") });
  const prepare = (sql: string, access: "read" | "write" = "read", lease?: string) =>
    runner.prepare({ sql, access, ...(lease !== undefined && { lease }) }, caller());
  const run = async (...asked: Parameters<typeof prepare>) => {
    await using prepared = await prepare(...asked);
    await using stream = await prepared.rows();
    let count = 0;
    for await (const batch of stream) count += batch.length;
    return { count, passed: stream.passed, affectedRows: stream.affectedRows };
  };
  return { prepare, run, log, leases, principal, signal };
}

const rejects = (work: Promise<unknown>, code: string, words: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.ok(error.hint);
    return true;
  });

describe("a limit of bytes", () => {
  const answers = { q: { columns: [text], rows: rows(100) } };

  it("cuts before the row that would go beyond it, and says what cut", async () => {
    const { run } = world({ answers, narrowing: { maxBytes: 55 } });
    const { count, passed } = await run("q");
    assert.equal(count, 5);
    assert.deepEqual(passed, { rows: 5, cut: "bytes" });
  });

  it("leaves a result alone that just fits", async () => {
    const { run } = world({ answers, narrowing: { maxBytes: 1000 } });
    assert.deepEqual((await run("q")).passed, { rows: 100, cut: false });
  });

  it("ends an export with an error that names it", async () => {
    const { prepare } = world({ answers, narrowing: { maxBytes: 55 } });
    await using prepared = await prepare("q");
    const stream = await wholeRows(prepared, undefined);
    await rejects(Array.fromAsync(stream), "LIMIT_EXCEEDED", /limits\.bytes of your role allows: 5 rows fit/);
  });

  it("keeps the engine's own writers out, which nobody could count", async () => {
    const more: Partial<Connection> = { copyOut: () => assert.fail("it copied"), fileWriters: { parquet: () => assert.fail("it wrote") } };
    const { prepare } = world({ answers, narrowing: { maxBytes: 55 }, more });
    await using prepared = await prepare("q");
    assert.equal(prepared.copyOut, undefined);
    assert.equal(prepared.writer("parquet"), undefined);
  });

  it("counts text as UTF-8, bytes as they are and what is nested by its parts", () => {
    const sizes: readonly (readonly [Value, number])[] = [
      [null, 0],
      ["€", 3],
      ["", 0],
      [true, 1],
      [1.5, 8],
      [2n ** 70n, 8],
      [new Uint8Array(7), 7],
      [["ab", null, 1], 10],
      [{ key: "ab" }, 5],
    ];
    for (const [value, size] of sizes) {
      const batch = { length: 1, columns: [[value]] };
      assert.equal(fit(batch, { rows: 1, bytes: size }).rows, 1, `${String(value)} fits into ${size}`);
      if (size > 0) assert.equal(fit(batch, { rows: 1, bytes: size - 1 }).cut, "bytes");
    }
  });
});

describe("a limit of cost", () => {
  const answers = { q: { columns: [text], rows: rows(1) } };

  it("refuses what the engine takes to be dearer, and runs nothing", async () => {
    const { run, log } = world({ answers, narrowing: { maxCost: 100 }, more: { cost: async () => 250.4 } });
    await rejects(run("q"), "POLICY_DENIED", /estimated to cost 250, and your roles allow 100/);
    assert.deepEqual(
      log.ran.filter((sql) => sql === "q"),
      [],
    );
  });

  it("lets through what is as dear as it may be", async () => {
    assert.equal((await world({ answers, narrowing: { maxCost: 100 }, more: { cost: async () => 100 } }).run("q")).count, 1);
  });

  it("does not tell the estimate where rows or columns are kept from the caller", async () => {
    const restrictions = [{ name: "t", hidden: ["b"], masks: [], where: [], values: {} }];
    const more: Partial<Connection> = { cost: async () => 250, render: async (sql) => sql };
    await rejects(world({ answers, narrowing: { maxCost: 100, restrictions }, more }).run("q"), "POLICY_DENIED", /cost too much/);
  });

  it("refuses on an engine that estimates nothing", async () => {
    await rejects(world({ answers, narrowing: { maxCost: 100 } }).run("q"), "UNSUPPORTED", /cannot estimate/);
  });

  it("still shows the plan, which costs nothing", async () => {
    const { prepare } = world({ answers, narrowing: { maxCost: 1 }, more: { cost: async () => 250 } });
    await using prepared = await prepare("q");
    assert.equal(await prepared.explain(false), "plan of q");
    assert.equal(await prepared.cost?.(), 250);
  });
});

describe("a limit of changed rows", () => {
  const answers = { w: { columns: [], rows: [], kind: "write" }, r: { columns: [text], rows: rows(5), kind: "write" } } as const;
  const narrowing: Narrowing = { maxAffectedRows: 3 };
  const analyses = {
    w: analysisOf("update", [written("update"), { ...written("read"), name: "other" }]),
    r: analysisOf("delete", [written("delete")]),
  };

  it("commits a write that changes no more", async () => {
    const { run, log } = world({ answers, narrowing, analyses, affected: 3 });
    assert.equal((await run("w", "write")).affectedRows, 3);
    assert.deepEqual(log.ran.slice(0, 3), ["begin", "w", "commit"]);
  });

  it("rolls back one that changes more, and says how many it would have been", async () => {
    const { run, log } = world({ answers, narrowing, analyses, affected: 4 });
    await rejects(run("w", "write"), "LIMIT_EXCEEDED", /would change 4 rows, and your roles allow 3: it was rolled back/);
    assert.deepEqual(log.ran.slice(0, 3), ["begin", "w", "rollback"]);
  });

  it("stops at the first returned row beyond it", async () => {
    const { run, log } = world({ answers, narrowing, analyses, affected: 5 });
    await rejects(run("r", "write"), "LIMIT_EXCEEDED", /rolled back/);
    assert.ok(log.ran.includes("rollback"));
  });

  it("ends the caller's transaction, in which the change already is", async () => {
    const { run, log, leases, principal, signal } = world({ answers, narrowing, analyses, affected: 4 });
    const lease = await leases.begin("main", principal, { readOnly: false, signal });
    await rejects(run("w", "write", lease), "LIMIT_EXCEEDED", /rolled back/);
    assert.ok(log.ran.includes("rollback") && !log.ran.includes("commit"));
    await assert.rejects(leases.commit(lease, principal, signal), { code: "CONFLICT" });
  });

  const uncountable: readonly (readonly [string, Analysis | undefined])[] = [
    ["writes two tables", analysisOf("insert", [written("insert"), written("delete", "u")])],
    ["changes one table in two ways", analysisOf("insert", [written("insert"), written("delete")])],
    ["is not understood", undefined],
  ];
  for (const [title, analysis] of uncountable) {
    it(`refuses a statement that ${title}, because the engine counts only its last step`, async () => {
      const { run, log } = world({ answers, narrowing, analyses: analysis === undefined ? {} : { w: analysis }, affected: 1 });
      await rejects(run("w", "write"), "UNSUPPORTED", /cannot be counted/);
      assert.ok(!log.ran.includes("w"));
    });
  }

  it("refuses where the engine says nothing, or could take nothing back", async () => {
    await rejects(world({ answers, narrowing, analyses }).run("w", "write"), "UNSUPPORTED", /cannot be counted/);
    await rejects(
      world({ answers, narrowing, analyses, affected: 1, without: "begin" }).run("w", "write"),
      "UNSUPPORTED",
      /no transactions/,
    );
  });
});

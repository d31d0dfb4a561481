import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connections, createConnections } from "../../core/connection/connections.ts";
import { createLeases } from "../../core/connection/lease.ts";
import type { Driver } from "../../core/contract/driver.ts";
import { asProblem, type Problem } from "../../core/problem.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createCallers } from "../support/callers.ts";

/** A real server, and what a test can do to it. */
export interface PoolServer {
  /** A target for a user who may write; `password` replaces the right one. */
  target(password?: string): string;
  /** Ends every session but the one it asks through, as an administrator would. */
  killSessions(): void;
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Sessions of the pool's user. */
  sessions(): number;
  /** Stops the one session there is, or the whole server, without closing anything; gives the way back. */
  pause(): () => void;
}

/** One way to leave something on a session, and a question that is `clean` where nothing was left. */
export interface Leftover {
  readonly what: string;
  readonly leave: string;
  readonly look: string;
  readonly clean: unknown;
}

export interface PoolFixture {
  readonly name: string;
  readonly driver: Driver;
  readonly absence: string | undefined;
  readonly start: () => Promise<PoolServer>;
  /** Makes a table `kept (n int)`, and empties it. */
  readonly table: readonly string[];
  readonly leftovers: readonly Leftover[];
}

const never = new AbortController().signal;

export function describePool({ name, driver, absence, start, table, leftovers }: PoolFixture): void {
  describe(`a pool of ${name} connections`, { skip: absence ?? false }, () => {
    let server: PoolServer;
    before(async () => {
      server = await start();
    });
    after(() => server?.stop());

    const open = (target = server.target(), checkAfterMillis = 5000): Connections & AsyncDisposable => {
      const connections = createConnections({
        connections: [{ name: "sales", target, folder: "/", write: true }],
        secrets: createSecrets({ env: {}, warn: () => undefined }),
        drivers: [driver],
        limits: { most: 3, waitMillis: 10_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis },
        unproved: () => undefined,
      });
      return Object.assign(connections, { [Symbol.asyncDispose]: () => connections.close() });
    };
    const ask = async (connections: Connections, sql = "select 1"): Promise<unknown> =>
      Number(await createCallers(connections)().cell(sql));
    const asking = (connections: Connections): Promise<Problem> =>
      ask(connections).then(
        () => assert.fail("it answered"),
        (error) => asProblem(error),
      );
    /** Has three connections open and idle. */
    const warm = async (connections: Connections): Promise<void> => {
      const loans = await Promise.all([1, 2, 3].map(() => connections.borrow("sales", "read", never)));
      for (const loan of loans) await loan.release();
    };

    it("answers every call after its sessions were ended, without a failure in between", async () => {
      await using connections = open();
      for (let round = 0; round < 3; round++) {
        await warm(connections);
        server.killSessions();
        await sleep(50); // Until the news is here: a statement that was sent may have run, and is not sent again.
        assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(connections))), [1, 1, 1, 1, 1, 1]);
      }
    });

    it("answers the first call after a restart, and fails clearly and soon while the server is down", async () => {
      await using connections = open();
      await warm(connections);
      await server.crash();
      const failures = await Promise.all(Array.from({ length: 10 }, () => asking(connections)));
      for (const { code, hint } of failures) assert.deepEqual([code, typeof hint], ["CONNECTION_FAILED", "string"]);
      assert.equal(connections.reports()[0]?.state, "failed");
      await server.start();
      assert.equal(await ask(connections), 1);
      assert.equal(connections.reports()[0]?.state, "open");
    });

    it("never has more sessions than it may, and leaves none", async () => {
      const connections = open();
      await Promise.all(Array.from({ length: 30 }, () => ask(connections)));
      assert.ok(server.sessions() <= 3, `${server.sessions()} sessions`);
      await connections.close();
      for (let tries = 0; tries < 100 && server.sessions() > 0; tries++) await sleep(20);
      assert.equal(server.sessions(), 0);
    });

    it("tells everybody that the password is wrong, without showing it", async () => {
      await using connections = open(server.target("not-the-password"));
      const failures = await Promise.all(Array.from({ length: 10 }, () => asking(connections)));
      for (const { code, message } of failures) {
        assert.equal(code, "CREDENTIALS_REJECTED", message);
        assert.doesNotMatch(message, /not-the-password/);
      }
    });

    it("leaves the sessions of calls that were stopped usable, or opens others", async () => {
      await using connections = open();
      const { cell } = createCallers(connections)();
      for (let round = 0; round < 10; round++) {
        const leaving = new AbortController();
        const calls = [1, 2, 3, 4].map(() => cell("select 1", leaving.signal).catch(() => "stopped"));
        await sleep(round);
        leaving.abort();
        await Promise.all(calls);
        assert.equal(await ask(connections), 1);
      }
    });

    it("does not hang on what does not answer any more, and goes on when it does", async () => {
      await using connections = open(`${server.target()}?connect_timeout=2`, 1);
      await ask(connections);
      await sleep(10); // Long enough to be checked before it is used again.
      const resume = server.pause();
      try {
        const outcome = await ask(connections).catch((error) => asProblem(error).code);
        assert.ok(outcome === 1 || outcome === "CONNECTION_FAILED", String(outcome));
      } finally {
        resume();
      }
      assert.equal(await ask(connections), 1);
    });

    for (const { what, leave, look, clean } of leftovers) {
      it(`gives no ${what} from one writer to the next`, async () => {
        await using connections = open();
        const first = await connections.borrow("sales", "write", never);
        await using left = await first.connection.query(leave, [], { signal: never, batchSize: 10 });
        for await (const _ of left);
        await first.release();
        const second = await connections.borrow("sales", "write", never);
        await using rows = await second.connection.query(look, [], { signal: never, batchSize: 10 });
        const found: unknown[] = [];
        for await (const { columns } of rows) found.push(columns[0]?.[0]);
        assert.deepEqual(found, [clean]);
        await second.release();
      });
    }

    describe("and its transactions across calls", () => {
      const ann = { id: "ann", roles: [], via: "local" } as const;
      const room = async () => {
        const connections = open();
        const leases = createLeases({ connections, idleMillis: 60_000, mostPerPrincipal: 2 });
        const run = createCallers(connections, leases)("ann").cell;
        for (const sql of table) await run({ sql, access: "write" });
        const count = async () => Number(await run("select count(*) from kept"));
        return { connections, leases, run, count, [Symbol.asyncDispose]: () => leases.close().then(() => connections.close()) };
      };
      const writing = { readOnly: false, signal: never };

      it("keep what was committed, and nothing of what was rolled back", async () => {
        await using there = await room();
        const { leases, run, count } = there;
        const first = await leases.begin("sales", ann, writing);
        await run({ sql: "insert into kept values (1)", lease: first });
        assert.equal(Number(await run({ sql: "select count(*) from kept", lease: first })), 1);
        assert.equal(await count(), 0, "nobody else sees it yet");
        await leases.commit(first, ann, never);
        assert.equal(await count(), 1);
        const second = await leases.begin("sales", ann, writing);
        await run({ sql: "insert into kept values (2)", lease: second });
        await leases.rollback(second, ann);
        assert.equal(await count(), 1);
      });

      it("are rolled back when their session is ended", async () => {
        await using there = await room();
        const { leases, run, count } = there;
        const id = await leases.begin("sales", ann, writing);
        await run({ sql: "insert into kept values (1)", lease: id });
        server.killSessions();
        await assert.rejects(run({ sql: "insert into kept values (2)", lease: id }));
        await assert.rejects(leases.commit(id, ann, never), { code: "CONFLICT" });
        assert.equal(await count(), 0);
      });

      it("see one moment when they only read, and change nothing", async () => {
        await using there = await room();
        const { leases, run, count } = there;
        const id = await leases.begin("sales", ann, { readOnly: true, isolation: "repeatable read", signal: never });
        assert.equal(Number(await run({ sql: "select count(*) from kept", lease: id })), 0);
        await run({ sql: "insert into kept values (1)", access: "write" });
        assert.equal(Number(await run({ sql: "select count(*) from kept", lease: id })), 0);
        await assert.rejects(run({ sql: "insert into kept values (2)", lease: id }), { code: "POLICY_DENIED" });
        await leases.rollback(id, ann);
        assert.equal(await count(), 1);
      });
    });
  });
}

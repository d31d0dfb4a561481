import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool, type Loan } from "../../core/connection/pool.ts";
import type { Connection, Driver, Target } from "../../core/contract/driver.ts";
import { cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { hasIpv6, startProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** A server to put behind a bad network; it listens on IPv6 as well, where the machine has it. */
export interface Peer {
  readonly port: number;
  target(place: string, more?: Readonly<Record<string, string>>): Target;
  /** Asks for the address that the session comes from. */
  readonly addressQuery: string;
  /** Sessions the server holds, but for the one that asks. */
  sessions(): number;
  stop(): Promise<void>;
}

export interface NetworkSuite {
  readonly name: string;
  readonly driver: Driver;
  /** Why there is no server, in words. */
  readonly absent: string | undefined;
  /** Numbers from 1 upwards, each with a text of 200 characters. */
  numbers(count: number): string;
  start(): Promise<Peer>;
}

const limits = { most: 4, waitMillis: 10_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis: 60_000 };

/** What every driver for a server must do when the network in between is slow, silent or cut. */
export function describeNetwork({ name, driver, absent, numbers, start }: NetworkSuite): void {
  describe(`driver ${name}, over a bad network`, { skip: absent === undefined ? false : `needs a server: ${absent}` }, () => {
    let peer: Peer;
    let proxy: TcpProxy;
    before(async () => {
      peer = await start();
      proxy = await startProxy(peer);
    });
    afterEach(async () => {
      proxy.pace();
      proxy.thaw();
      proxy.cut();
      await until(() => peer.sessions() === 0);
    });
    after(async () => {
      await proxy?.close();
      await peer?.stop();
    });

    const options = { signal: never, readOnly: true };
    const open = (signal = never, more = {}): Promise<Connection> =>
      driver.connect(peer.target(`127.0.0.1:${proxy.port}`, more), { ...options, signal });
    const codeOf = async (failing: Promise<unknown>) => driver.diagnose(await rejection(failing))?.code;
    const many = (connection: Connection, signal = never) => connection.query(numbers(10 ** 9), [], { signal, batchSize: 100 });
    /** Reads until it fails, and does `then` after the first batch. */
    const reading = async (connection: Connection, then: () => void, signal = never) => {
      let batches = 0;
      for await (const _ of await many(connection, signal)) if (++batches === 1) then();
    };

    it("reaches a server over IPv6", { skip: hasIpv6() ? false : "this machine has no IPv6" }, async () => {
      await using connection = await driver.connect(peer.target(`[::1]:${peer.port}`), options);
      assert.equal(await cellOf(connection, peer.addressQuery), "::1");
    });

    it("loses no row and no order over a slow line", async () => {
      proxy.pace({ delayMillis: 3, bytesPerSecond: 3_000_000 });
      await using connection = await open();
      const rows = await rowsOf(connection, numbers(5000));
      assert.ok(rows.every(([number, text], index) => Number(number) === index + 1 && text === String(index + 1).padStart(200, "0")));
      assert.equal(rows.length, 5000);
    });

    it("does not run ahead of a reader who takes his time", async () => {
      await using connection = await open();
      const before = proxy.delivered;
      await using stream = await many(connection);
      await firstBatch(stream);
      await until(async () => {
        const seen = proxy.delivered;
        await sleep(150);
        return proxy.delivered === seen;
      });
      assert.ok(proxy.delivered - before < 32 * 2 ** 20, `${proxy.delivered - before} bytes`);
    });

    it("says that the line was cut in the middle of the rows, and that trying again may help", async () => {
      await using connection = await open();
      const diagnosis = driver.diagnose(await rejection(reading(connection, () => proxy.cut())));
      assert.deepEqual([diagnosis?.code, diagnosis?.retryable], ["CONNECTION_FAILED", true]);
      assert.equal(connection.ended, true);
      assert.equal(await codeOf(rowsOf(connection, "select 1")), "CONNECTION_FAILED");
      await using next = await open();
      assert.equal(Number(await cellOf(next, "select 1")), 1);
    });

    it("says so when the line is cut while it connects", async () => {
      for (let millis = 0; millis < 12; millis += 2) {
        const connecting = open().then(async (connection) => {
          await connection[Symbol.asyncDispose]();
          return "connected";
        });
        const outcome = connecting.catch((error) => driver.diagnose(error)?.code ?? error);
        await sleep(millis);
        proxy.cut();
        assert.match(String(await outcome), /^(connected|CONNECTION_FAILED)$/);
      }
    });

    it("lets a caller leave over a line that has gone silent", async () => {
      await using connection = await open();
      const caller = new AbortController();
      const leaving = reading(
        connection,
        () => {
          proxy.freeze();
          setTimeout(() => caller.abort(new Error("gone")), 20);
        },
        caller.signal,
      );
      assert.equal(await rejection(leaving), caller.signal.reason);
      // What the server would say to a cancel never comes: the connection must not be given to anybody else.
      proxy.cut();
      await until(() => connection.ended === true);
    });

    it("lets a caller leave at the moment the line is cut", async () => {
      const caller = new AbortController();
      await using connection = await open();
      const leaving = reading(
        connection,
        () => {
          proxy.cut();
          caller.abort(new Error("gone"));
        },
        caller.signal,
      );
      assert.equal(await rejection(leaving), caller.signal.reason);
      await until(() => connection.ended === true);
    });

    it("gives up connecting when nothing comes back, after connect_timeout or when the caller leaves", async () => {
      proxy.freeze();
      assert.equal(await codeOf(open(never, { connect_timeout: "1" })), "CONNECTION_FAILED");
      const signal = AbortSignal.timeout(30);
      assert.equal(await rejection(open(signal)), signal.reason);
    });

    describe("in a pool", () => {
      const withPool = async (use: (take: () => Promise<Loan>, failure: () => string | undefined) => Promise<void>) => {
        const pool = createPool({ name, limits, resets: false, open: (signal) => open(signal) });
        await use(
          () => pool.take(never),
          () => pool.failure,
        ).finally(() => pool.close());
      };
      const four = (take: () => Promise<Loan>) => Promise.all([take(), take(), take(), take()]);
      const answers = (loans: readonly Loan[]) =>
        Promise.all(loans.map(async ({ connection }) => Number(await cellOf(connection, "select 42"))));

      it("loses the one connection that broke, and no other", async () => {
        await withPool(async (take) => {
          const loans = await four(take);
          await answers(loans);
          const caller = new AbortController();
          const codes: unknown[] = [];
          const working = loans.map(async ({ connection }) => {
            const error = await rejection(reading(connection, () => undefined, caller.signal));
            codes.push(error === caller.signal.reason ? "left" : driver.diagnose(error)?.code);
            caller.abort(new Error("enough"));
          });
          proxy.cut("last");
          await Promise.all(working);
          assert.deepEqual(codes, ["CONNECTION_FAILED", "left", "left", "left"]);
          assert.equal(loans.filter(({ connection }) => connection.ended === true).length, 1);
          await Promise.all(loans.map((loan) => loan.release()));
          const again = await four(take);
          assert.deepEqual(await answers(again), [42, 42, 42, 42]);
          assert.equal(again.filter(({ reused }) => reused).length, 3);
          await Promise.all(again.map((loan) => loan.release()));
        });
      });

      it("lends none that broke while nobody used it", async () => {
        await withPool(async (take) => {
          const loans = await four(take);
          await answers(loans);
          await Promise.all(loans.map((loan) => loan.release()));
          proxy.cut();
          await until(() => loans.every(({ connection }) => connection.ended === true));
          const again = await four(take);
          assert.deepEqual(await answers(again), [42, 42, 42, 42]);
          await Promise.all(again.map((loan) => loan.release()));
        });
      });

      it("is well again by itself when the server can be reached again", async () => {
        await withPool(async (take, failure) => {
          await (await take()).release();
          await proxy.refuse(true);
          proxy.cut();
          await until(async () => (await take().then((loan) => loan.release().then(() => undefined), rejected)) !== undefined);
          assert.ok(failure());
          await proxy.refuse(false);
          const loan = await take();
          assert.deepEqual(await answers([loan]), [42]);
          assert.equal(failure(), undefined);
          await loan.release();
        });
      });
    });
  });
}

const rejected = (error: unknown) => error;

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++, await sleep(20)) if (await reached()) return;
  assert.fail("It did not come to that");
}

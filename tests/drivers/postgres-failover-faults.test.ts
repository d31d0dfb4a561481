import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "../../core/connection/pool.ts";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres, startStandby } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const limits = { most: 4, waitMillis: 10_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis: 60_000 };

describe("driver postgres, with a server that takes over", {
  skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}`,
}, () => {
  let first: PostgresServer;
  let second: PostgresServer;
  before(async () => {
    first = await startPostgres(bin as string);
    first.psql("create table kept as select 7 as x");
    second = await startStandby(first);
  });
  after(async () => {
    await second?.stop();
    await first?.stop();
  });

  /** Both servers, the one that follows first: what is asked of them has to decide. */
  const open = (kind: string, readOnly = true, signal = never): Promise<Connection> =>
    driver.connect(
      first.target("postgres", {
        location: `127.0.0.1:${second.port},127.0.0.1:${first.port}/postgres`,
        options: { target_session_attrs: kind },
      }),
      { signal, readOnly },
    );
  const portOf = async (connection: Connection) => Number(await cellOf(connection, "select inet_server_port()"));
  const portFor = async (kind: string) => {
    await using connection = await open(kind);
    return await portOf(connection);
  };

  it("finds the server that is what target_session_attrs asks", async () => {
    const found = { any: 0, "read-write": 0, primary: 0, "read-only": 0, standby: 0, "prefer-standby": 0 };
    for (const kind of Object.keys(found) as (keyof typeof found)[]) found[kind] = await portFor(kind);
    const [one, two] = [first.port, second.port];
    assert.deepEqual(found, {
      any: two,
      "read-write": one,
      primary: one,
      "read-only": two,
      standby: two,
      "prefer-standby": two,
    });
  });

  it("reads from a server that only follows, and proves that it cannot write there", async () => {
    await using connection = await open("standby");
    assert.equal(await cellOf(connection, "select x from kept"), 7);
    assert.notEqual((await connection.proveReadOnly(never)).state, "UNVERIFIED");
    await using writer = await open("standby", false);
    const diagnosis = driver.diagnose(await rejection(rowsOf(writer, "insert into kept values (8)")));
    assert.equal(diagnosis?.code, "UNSUPPORTED");
    assert.match(diagnosis?.message ?? "", /during recovery/);
  });

  it("goes over to the other server when the first has died and the other has taken over", async () => {
    const pool = createPool({ name: "both", limits, resets: true, open: (signal) => open("read-write", false, signal) });
    const loans = await Promise.all([pool.take(never), pool.take(never)]);
    for (const { connection } of loans) assert.equal(await portOf(connection), first.port);
    await first.crash();
    for (const { connection, release } of loans) {
      assert.equal(driver.diagnose(await rejection(rowsOf(connection, "select 1")))?.code, "CONNECTION_FAILED");
      await release();
    }
    const diagnosis = driver.diagnose(await rejection(open("read-write", false)));
    assert.equal(diagnosis?.code, "CONNECTION_FAILED");
    second.psql("select pg_promote()");
    for (let tries = 0; second.psql("select pg_is_in_recovery()") === "t" && tries < 200; tries++) await sleep(50);
    const loan = await pool.take(never);
    assert.equal(await portOf(loan.connection), second.port);
    await rowsOf(loan.connection, "insert into kept values (8)");
    assert.equal(await cellOf(loan.connection, "select count(*) from kept"), 2);
    await loan.release();
    await pool.close();
  });
});

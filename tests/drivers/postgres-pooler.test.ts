import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection, Target, Transaction } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPooler, findPostgres, freePort, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const program = findPooler();
const absent = typeof bin !== "string" ? bin.absent : program === undefined ? "pgbouncer is not installed" : undefined;
const driver = createPostgresDriver();

describe("driver postgres, behind a pooler of transactions", { skip: absent === undefined ? false : `needs pgbouncer: ${absent}` }, () => {
  let server: PostgresServer;
  let port: number;
  let pooler: ReturnType<typeof spawn>;
  before(async () => {
    server = await startPostgres(bin as string);
    port = await freePort();
    const { uid, gid } = statSync(join(server.folder, "data"));
    const file = (name: string, text: string) => {
      writeFileSync(join(server.folder, name), text);
      chownSync(join(server.folder, name), uid, gid);
      return join(server.folder, name);
    };
    const users = file("users.txt", `"tidegate" "${server.password}"\n`);
    const config = file(
      "pooler.ini",
      `[databases]\npostgres = host=${server.folder} port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = plain\nauth_file = ${users}\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 12\nquery_wait_timeout = 1\nunix_socket_dir =\n`,
    );
    pooler = spawn(program as string, ["-q", config], { uid, gid, stdio: "ignore" });
    for (let tries = 0; tries < 100; tries++) {
      const opened = await open().catch(() => undefined);
      if (opened !== undefined) return await opened[Symbol.asyncDispose]();
      await setTimeout(50);
    }
    assert.fail("pgbouncer does not start");
  });
  after(async () => {
    pooler?.kill("SIGINT");
    await server?.stop();
  });

  const open = (access: "read" | "write" = "read", more: Partial<Target> = {}): Promise<Connection> =>
    driver.connect(server.target("postgres", { location: `127.0.0.1:${port}/postgres`, ...more }), {
      signal: never,
      readOnly: access === "read",
    });
  const begin = async (connection: Connection, readOnly = false) =>
    (await connection.begin?.({ signal: never, readOnly })) ?? assert.fail("begin is there");
  const diagnosed = async (failing: Promise<unknown>) => driver.diagnose(await rejection(failing));

  it("serves more connections than there are sessions, and names no statement", async () => {
    const connections = await Promise.all(Array.from({ length: 6 }, () => open()));
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(connections.map((connection, index) => cellOf(connection, "select $1::int * 2", [index])));
      assert.deepEqual(answers, [0, 2, 4, 6, 8, 10]);
    }
    for (const connection of connections) await connection[Symbol.asyncDispose]();
  });

  it("pins what texts look like in every transaction, and leaves nothing to the next client", async () => {
    server.psql("alter role tidegate set timezone = 'Asia/Tokyo'");
    await using connection = await open();
    assert.equal(await cellOf(connection, "select timestamptz '2024-01-01 00:00+00'"), "2024-01-01 00:00:00+00");
    assert.equal(await cellOf(connection, "show transaction_read_only"), "on");
    await using writer = await open("write");
    await rowsOf(writer, "create table pooled (x int)");
    await rowsOf(writer, "insert into pooled values (1)");
    assert.equal(driver.diagnose(await rejection(rowsOf(connection, "delete from pooled")))?.code, "POLICY_DENIED");
    assert.deepEqual(await rowsOf(connection, "select * from pooled"), [[1]]);
    assert.equal(
      (await connection.proveReadOnly(never)).attempts.every(({ refused }) => refused),
      true,
    );
  });

  it("streams, copies and cancels through it", async () => {
    await using connection = await open();
    let rows = 0;
    for await (const { length } of await connection.query("select generate_series(1, 5000)", [], { signal: never, batchSize: 100 }))
      rows += length;
    assert.equal(rows, 5000);
    let bytes = 0;
    for await (const chunk of (await connection.copyOut?.("select generate_series(1, 5000)", [], { signal: never, batchSize: 100 })) ?? [])
      bytes += chunk.length;
    assert.equal(bytes, 23_893);
    const reason = new Error("gone");
    const caller = new AbortController();
    const waiting = rowsOfEndless(connection, caller.signal);
    void setTimeout(50).then(() => caller.abort(reason));
    assert.equal(await rejection(waiting), reason);
    assert.equal(await cellOf(connection, "select 1"), 1);
    assert.equal(
      server.psql(
        "select count(*) from pg_stat_activity where state = 'active' and query like '%generate_series(1, 1000000)%' and pid <> pg_backend_pid()",
      ),
      "0",
    );
  });

  it("keeps a transaction on one session, and cancels in it", async () => {
    await using connection = await open("write");
    await using other = await open();
    await rowsOf(connection, "create table held (x int)");
    const transaction = await begin(connection);
    const pids = new Set<unknown>();
    for (let round = 0; round < 10; round++) {
      await run(transaction, `insert into held values (${round})`);
      pids.add(await run(transaction, "select pg_backend_pid()"));
      assert.equal(await cellOf(other, "select count(*) from held"), 0);
    }
    assert.equal(pids.size, 1);
    const caller = new AbortController();
    void setTimeout(50).then(() => caller.abort(new Error("gone")));
    assert.equal(await rejection(run(transaction, "select pg_sleep(60)", caller.signal)), caller.signal.reason);
    assert.equal(await run(transaction, "show timezone"), "UTC");
    await transaction.commit(never);
    assert.equal(await cellOf(other, "select count(*) from held"), 10);
    await using reading = await begin(other, true);
    assert.equal((await diagnosed(run(reading, "delete from held")))?.code, "POLICY_DENIED");
  });

  it("leaves nothing on the sessions that others get next, whatever a call or a transaction did", async () => {
    server.psql("create function locks() returns int language sql as 'select 1 from pg_advisory_lock(7)'");
    const locks = () => server.psql("select count(*) from pg_locks where locktype = 'advisory'");
    const left = async () => {
      for (let round = 0; round < 6; round++) {
        await using next = await open("write");
        const transaction = await begin(next);
        assert.equal(await run(transaction, "select count(*) from pg_class where relname = 'mine'"), 0);
        assert.equal(await run(transaction, "select count(*) from pg_prepared_statements"), 0);
        assert.equal(await run(transaction, "show work_mem"), "4MB");
        await transaction.rollback();
      }
      assert.equal(locks(), "0");
    };
    const doings = [
      "create temp table mine (x int)",
      "set work_mem = '7MB'",
      "select set_config('work_mem', '8MB', false)",
      "select locks()",
    ];
    for (const sql of [...doings, "prepare p as select 1", "do $$ begin perform locks(); end $$"]) {
      await using connection = await open("write");
      await rowsOf(connection, sql);
      await left();
    }
    for (const end of ["commit", "rollback", "reset", "dispose"] as const) {
      const connection = await open("write");
      const transaction = await begin(connection);
      for (const sql of doings) await run(transaction, sql);
      if (end === "reset") await connection.reset?.(never);
      else if (end !== "dispose") await transaction[end](never);
      await connection[Symbol.asyncDispose]();
      if (end !== "dispose") await left();
    }
    await using reader = await open();
    await rowsOf(reader, "select locks()");
    assert.equal(locks(), "0");
    await using writer = await open("write");
    await rowsOf(writer, "vacuum pg_am");
  });

  it("tells its errors from the server's, each with what to do", async () => {
    const unknown = await diagnosed(open("read", { location: `127.0.0.1:${port}/nowhere` }));
    assert.deepEqual([unknown?.code, unknown?.message], ["NOT_FOUND", "The pooler knows no such database"]);
    const wrong = await diagnosed(open("read", { password: { reveal: () => "no" } }));
    assert.equal(wrong?.code, "CREDENTIALS_REJECTED", wrong?.message);
    const connections = await Promise.all(Array.from({ length: 3 }, () => open("write")));
    const held = await Promise.all(connections.slice(0, 2).map((connection) => begin(connection)));
    const waited = await diagnosed(rowsOf(connections[2] as Connection, "select 1"));
    assert.deepEqual(
      [waited?.code, waited?.message, waited?.retryable],
      ["CONNECTION_FAILED", "The pooler had no session free in time", true],
    );
    for (const transaction of held) await transaction.rollback();
    for (const connection of connections) await connection[Symbol.asyncDispose]();
    const many = await Promise.allSettled(Array.from({ length: 16 }, () => open()));
    const refused = many.flatMap((one) => (one.status === "rejected" ? [driver.diagnose(one.reason)?.message] : []));
    assert.ok(refused.length >= 4);
    assert.deepEqual([...new Set(refused)], ["The pooler has no room for another client"]);
    for (const one of many) if (one.status === "fulfilled") await one.value[Symbol.asyncDispose]();
    await server.crash();
    const away = await diagnosed(open());
    assert.equal(away?.code, "CONNECTION_FAILED");
    assert.match(away?.message ?? "", /pooler|closed|ended|cut/i);
    await server.start();
  });
});

async function run(transaction: Transaction, sql: string, signal = never): Promise<unknown> {
  await using stream = await transaction.query(sql, [], { signal, batchSize: 10 });
  let first: unknown;
  for await (const { columns } of stream) first ??= columns[0]?.[0];
  return first;
}

async function rowsOfEndless(connection: Connection, signal: AbortSignal): Promise<void> {
  const sql = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3";
  for await (const _ of await connection.query(sql, [], { signal, batchSize: 10 }));
}

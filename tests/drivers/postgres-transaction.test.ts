import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { BeginOptions, Connection, Target, Transaction } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const endless = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3";
const read = { signal: never, readOnly: true };
const write = { signal: never, readOnly: false };

describe("driver postgres, transactions across calls", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(bin as string);
    server.psql(`create table kept (x int primary key);
      create table late (id int primary key, up int references late deferrable initially deferred);
      create function locks() returns void language sql as 'select pg_advisory_lock(7)';
      create procedure ends() language plpgsql as 'begin commit; end';`);
  });
  after(() => server?.stop());

  const open = (access: "read" | "write" = "write", more: Partial<Target> = {}): Promise<Connection> =>
    driver.connect(server.target("postgres", more), { signal: never, readOnly: access === "read" });
  const begin = async (connection: Connection, options: BeginOptions = write): Promise<Transaction> =>
    (await connection.begin?.(options)) ?? assert.fail("begin is there");
  const codeOf = async (failing: Promise<unknown>) => driver.diagnose(await rejection(failing))?.code;
  const kept = () => server.psql("select coalesce(string_agg(x::text, ',' order by x), '') from kept");
  const empty = () => server.psql("truncate kept");

  it("keeps all of it on commit, nothing on rollback, and nothing when it is left", async () => {
    empty();
    await using connection = await open();
    const first = await begin(connection);
    await run(first, "insert into kept values (1)");
    assert.deepEqual(await run(first, "select x from kept"), [[1]]);
    assert.equal(kept(), "");
    await first.commit(never);
    assert.equal(kept(), "1");
    const second = await begin(connection);
    await run(second, "insert into kept values (2)");
    await second.rollback();
    {
      await using third = await begin(connection);
      await run(third, "insert into kept values (3)");
    }
    assert.equal(kept(), "1");
    assert.equal(await cellOf(connection, "select count(*) from kept"), 1);
  });

  it("rejects every method once it is over", async () => {
    await using connection = await open();
    for (const end of [
      (t: Transaction) => t.commit(never),
      (t: Transaction) => t.rollback(),
      (t: Transaction) => t[Symbol.asyncDispose](),
    ]) {
      const transaction = await begin(connection);
      await end(transaction);
      assert.equal(await codeOf(run(transaction, "select 1")), "CONFLICT");
      assert.equal(await codeOf(transaction.commit(never)), "CONFLICT");
      assert.equal(await codeOf(transaction.rollback()), "CONFLICT");
      await transaction[Symbol.asyncDispose]();
    }
  });

  it("runs nothing else meanwhile, but looks at statements and answers a ping", async () => {
    await using connection = await open();
    await using transaction = await begin(connection);
    await run(transaction, "create table mine (x int)");
    const others: readonly (() => Promise<unknown>)[] = [
      () => rowsOf(connection, "select 1"),
      () => connection.catalog.read({ detail: "names", signal: never }),
      () => begin(connection),
      () => connection.proveReadOnly(never),
      async () => connection.copyOut?.("select 1", [], { signal: never, batchSize: 1 }),
    ];
    for (const other of others) assert.equal(await codeOf(other()), "CONFLICT");
    assert.deepEqual(
      (await connection.analyze("select x from mine")).map(({ kind }) => kind),
      ["read"],
    );
    assert.equal(await codeOf(connection.analyze("select nope from mine")), "SQL_INVALID");
    await connection.ping(never);
    assert.deepEqual(await run(transaction, "select count(*) from mine"), [[0]]);
  });

  it("undoes a statement that fails, and goes on", async () => {
    empty();
    await using connection = await open();
    const transaction = await begin(connection);
    await run(transaction, "insert into kept values (1)");
    assert.equal(await codeOf(run(transaction, "insert into kept values (2), (1)")), "CONSTRAINT_VIOLATED");
    assert.equal(await codeOf(run(transaction, "select nope")), "SQL_INVALID");
    assert.equal(await codeOf(run(transaction, "insert into kept values ($1)", [])), "INPUT_INVALID");
    assert.equal(await codeOf(run(transaction, "vacuum kept")), "UNSUPPORTED");
    await run(transaction, "insert into kept values (3)");
    await transaction.commit(never);
    assert.equal(kept(), "1,3");
  });

  it("is left by no statement, and takes one statement per call", async () => {
    empty();
    await using connection = await open();
    const transaction = await begin(connection);
    await run(transaction, "insert into kept values (1)");
    for (const sql of [
      "commit",
      "rollback",
      "begin",
      "savepoint a",
      "release tidegate",
      "rollback to tidegate",
      "prepare transaction 'x'",
      "end",
    ])
      assert.equal(await codeOf(run(transaction, sql)), "UNSUPPORTED", sql);
    assert.equal(await codeOf(run(transaction, "select 1; commit")), "SQL_INVALID");
    assert.ok(await rejection(run(transaction, "call ends()")));
    assert.ok(await rejection(run(transaction, "do $$ begin commit; end $$")));
    assert.equal(kept(), "");
    await transaction.commit(never);
    assert.equal(kept(), "1");
  });

  it("stays read-only whatever arrives, on a connection of either kind", async () => {
    for (const access of ["read", "write"] as const) {
      await using connection = await open(access);
      await using transaction = await begin(connection, read);
      for (const sql of [
        "insert into kept values (9)",
        "create table more (x int)",
        "set transaction read write",
        "set transaction_read_only = off",
        "select set_config('transaction_read_only', 'off', false)",
        "do $$ begin set transaction read write; insert into kept values (9); end $$",
        "select nextval('none')",
      ])
        assert.ok(["POLICY_DENIED", "SQL_INVALID"].includes((await codeOf(run(transaction, sql))) ?? ""), sql);
      assert.deepEqual(await run(transaction, "show transaction_read_only"), [["on"]]);
    }
    await using connection = await open("read");
    assert.equal(await codeOf(begin(connection, write)), "POLICY_DENIED");
  });

  it("sees one moment where repeatable read was asked for, and each statement's own otherwise", async () => {
    empty();
    for (const [isolation, seen] of [
      ["repeatable read", 0],
      ["serializable", 0],
      ["read committed", 1],
      [undefined, 1],
    ] as const) {
      await using connection = await open("read");
      await using transaction = await begin(connection, { ...read, ...(isolation && { isolation }) });
      assert.deepEqual(await run(transaction, "select count(*) from kept"), [[0]]);
      server.psql("insert into kept values (5)");
      assert.deepEqual(await run(transaction, "select count(*) from kept"), [[seen]], isolation);
      assert.deepEqual(await run(transaction, "show transaction_isolation"), [[isolation ?? "read committed"]]);
      empty();
    }
    await using connection = await open("read");
    const odd = { ...read, isolation: "read only; drop table kept" } as unknown as BeginOptions;
    assert.equal(await codeOf(begin(connection, odd)), "INPUT_INVALID");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("says that nothing was kept when a commit fails", async () => {
    await using connection = await open();
    const transaction = await begin(connection);
    await run(transaction, "insert into late values (1, 2)");
    assert.equal(await codeOf(transaction.commit(never)), "CONSTRAINT_VIOLATED");
    assert.equal(await codeOf(transaction.rollback()), "CONFLICT");
    assert.deepEqual(await rowsOf(connection, "select * from late"), []);
    const [one, other] = [await begin(connection, { ...write, isolation: "serializable" }), await open()];
    await run(one, "select sum(x) from kept");
    await using second = await begin(other, { ...write, isolation: "serializable" });
    await run(second, "select sum(x) from kept");
    await run(second, "insert into kept values (100)");
    await run(one, "insert into kept values (101)");
    await second.commit(never);
    assert.equal(await codeOf(one.commit(never)), "CONFLICT");
    assert.equal(kept(), "100");
    await other[Symbol.asyncDispose]();
  });

  it("stays usable when a statement in it is cancelled, a hundred times over", async () => {
    empty();
    await using connection = await open();
    const transaction = await begin(connection);
    await run(transaction, "insert into kept values (1)");
    for (let round = 0; round < 100; round++) {
      const caller = new AbortController();
      const sql = round % 2 === 0 ? endless : "insert into kept select i from generate_series(10, 100000000) i";
      const running = run(transaction, sql, [], caller.signal);
      void setTimeout(round % 9).then(() => caller.abort(new Error("gone")));
      assert.equal(await rejection(running), caller.signal.reason);
      assert.deepEqual(await run(transaction, "select count(*) from kept"), [[1]]);
    }
    await transaction.commit(never);
    assert.equal(kept(), "1");
    assert.equal(connection.ended, false);
  });

  it("stops a statement that is left early or overtaken, and keeps what it wrote only when it was read well", async () => {
    empty();
    await using connection = await open();
    const transaction = await begin(connection);
    const sql = "insert into kept select i from generate_series(1, 1000) as i returning x";
    assert.equal(await firstBatch(await transaction.query(sql, [], { signal: never, batchSize: 10 })), 10);
    assert.deepEqual(await run(transaction, "select count(*) from kept"), [[1000]]);
    await transaction.query("delete from kept returning x", [], { signal: never, batchSize: 10 });
    assert.deepEqual(await run(transaction, "select count(*) from kept"), [[1000]]);
    await transaction.rollback();
    assert.equal(kept(), "");
  });

  it("cancels a commit that waits, and then nothing was kept", async () => {
    empty();
    server.psql(`create or replace function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
      create constraint trigger slow after insert on kept deferrable initially deferred for each row execute function slow()`);
    try {
      await using connection = await open();
      const transaction = await begin(connection);
      await run(transaction, "insert into kept values (1)");
      const caller = new AbortController();
      void setTimeout(50).then(() => caller.abort(new Error("gone")));
      assert.equal(await rejection(transaction.commit(caller.signal)), caller.signal.reason);
      assert.equal(kept(), "");
      assert.equal(await cellOf(connection, "select 1"), 1);
    } finally {
      server.psql("drop trigger slow on kept");
    }
  });

  it("is rolled back when the connection is lost or closed, and says what the server said", async () => {
    empty();
    const connection = await open();
    const transaction = await begin(connection);
    const [[pid] = []] = await run(transaction, "select pg_backend_pid()");
    await run(transaction, "insert into kept values (1)");
    server.psql(`select pg_terminate_backend(${pid})`);
    while (!connection.ended) await setTimeout(5);
    const said = driver.diagnose(await rejection(run(transaction, "select 1")));
    assert.deepEqual([said?.code, said?.message], ["CONNECTION_FAILED", "The server ended the connection"]);
    assert.equal(await codeOf(transaction.commit(never)), "CONNECTION_FAILED");
    await transaction[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
    const second = await open();
    await run(await begin(second), "insert into kept values (2)");
    await second[Symbol.asyncDispose]();
    assert.equal(kept(), "");
  });

  it("is ended by the server when it idles for too long, with a word about it", async () => {
    await using connection = await open("write", { options: { options: "-c idle_in_transaction_session_timeout=50ms" } });
    server.psql("alter role tidegate set idle_in_transaction_session_timeout = '50ms'");
    const transaction = await begin(connection);
    await run(transaction, "set idle_in_transaction_session_timeout = '50ms'");
    while (!connection.ended) await setTimeout(5);
    assert.equal(await codeOf(run(transaction, "select 1")), "TIMEOUT");
  });

  it("takes back on reset whatever was left: settings, tables, locks, and an open transaction", async () => {
    await using connection = await open();
    const pid = await cellOf(connection, "select pg_backend_pid()");
    const transaction = await begin(connection);
    for (const sql of [
      "create temp table mine (x int)",
      "set timezone = 'Asia/Tokyo'",
      "select locks()",
      "prepare p as select 1",
      "listen x",
    ])
      await run(transaction, sql);
    assert.equal(server.psql("select count(*) from pg_locks where locktype = 'advisory'"), "1");
    await connection.reset?.(never);
    assert.equal(await codeOf(transaction.commit(never)), "CONFLICT");
    assert.equal(server.psql("select count(*) from pg_locks where locktype = 'advisory'"), "0");
    assert.equal(await cellOf(connection, "select pg_backend_pid()"), pid);
    assert.equal(await cellOf(connection, "show timezone"), "UTC");
    assert.equal(await codeOf(rowsOf(connection, "select * from mine")), "SQL_INVALID");
    assert.equal(await cellOf(connection, "select count(*) from pg_prepared_statements"), 0);
    assert.equal(await cellOf(connection, "select count(*) from pg_listening_channels()"), 0);
  });

  it("leaves no setting, table or lock behind, whichever way a transaction or a call ends", async () => {
    for (const end of ["commit", "rollback"] as const) {
      await using connection = await open();
      const transaction = await begin(connection);
      for (const sql of ["create temp table mine (x int)", "set timezone = 'Asia/Tokyo'", "select locks()", "prepare p as select 1"])
        await run(transaction, sql);
      await transaction[end](never);
      assert.equal(await cellOf(connection, "show timezone"), "UTC");
      assert.equal(await codeOf(rowsOf(connection, "select * from mine")), "SQL_INVALID");
      assert.equal(server.psql("select count(*) from pg_locks where locktype = 'advisory'"), "0");
    }
    await using reader = await open("read");
    await rowsOf(reader, "select locks()");
    assert.equal(server.psql("select count(*) from pg_locks where locktype = 'advisory'"), "0");
    await using writer = await open();
    await rowsOf(writer, "select set_config('TimeZone', 'Asia/Tokyo', false)");
    assert.equal(await cellOf(writer, "show timezone"), "UTC");
  });

  it("gives up a reset that the server does not answer", async () => {
    const connection = await open();
    const pid = Number(await cellOf(connection, "select pg_backend_pid()"));
    process.kill(pid, "SIGSTOP");
    try {
      const caller = new AbortController();
      void setTimeout(20).then(() => caller.abort(new Error("gone")));
      assert.equal(await rejection(connection.reset?.(caller.signal) ?? assert.fail()), caller.signal.reason);
      assert.equal(connection.ended, true);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await connection[Symbol.asyncDispose]();
  });

  it("gives up looking at a statement when the caller leaves a dead network", async () => {
    const connection = await open();
    const pid = Number(await cellOf(connection, "select pg_backend_pid()"));
    process.kill(pid, "SIGSTOP");
    try {
      const caller = new AbortController();
      void setTimeout(20).then(() => caller.abort(new Error("gone")));
      assert.equal(await rejection(connection.analyze("select 1", caller.signal)), caller.signal.reason);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await connection[Symbol.asyncDispose]();
  });
});

async function run(transaction: Transaction, sql: string, params: readonly Value[] = [], signal = never): Promise<Value[][]> {
  await using stream = await transaction.query(sql, params, { signal, batchSize: 100 });
  const rows: Value[][] = [];
  for await (const { columns, length } of stream)
    for (let row = 0; row < length; row++) rows.push(columns.map((column) => column[row] as Value));
  return rows;
}

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BeginOptions, Connection, Transaction } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type Peer, peers } from "./mysql-peers.ts";

const batchSize = 100;

async function rows(transaction: Transaction, sql: string): Promise<(Value | undefined)[][]> {
  const found: (Value | undefined)[][] = [];
  await using stream = await transaction.query(sql, [], { signal: never, batchSize });
  for await (const { columns, length } of stream) for (let row = 0; row < length; row++) found.push(columns.map((column) => column[row]));
  return found;
}

async function begun(connection: Connection, options: Partial<BeginOptions> = {}): Promise<Transaction> {
  assert.ok(connection.begin);
  return connection.begin({ signal: never, readOnly: false, ...options });
}

for (const { name, absence, start } of peers) {
  describe(`a transaction across calls on ${name}`, { skip: absence }, () => {
    let peer: Peer;
    before(async () => {
      peer = await start("spanning");
      await using connection = await peer.open(false);
      await rowsOf(connection, "create table t (id int primary key, name varchar(20))");
      await rowsOf(connection, "insert into t values (1, 'a'), (2, 'b')");
      await peer.run("create procedure ender() begin update t set name = 'z'; commit; end");
    });
    after(() => peer?.stop());

    /** What everybody else sees. */
    const outside = async (sql: string) => {
      await using connection = await peer.open(true);
      return await cellOf(connection, sql);
    };

    it("keeps what it wrote to itself until it is committed", async () => {
      await using connection = await peer.open(false);
      await using transaction = await begun(connection);
      await rows(transaction, "insert into t values (3, 'c')");
      assert.deepEqual(await rows(transaction, "select count(*) from t"), [[3]]);
      assert.equal(await outside("select count(*) from t"), 2);
      await transaction.commit(never);
      assert.equal(await outside("select count(*) from t"), 3);
      assert.equal((await peer.diagnosis(rows(transaction, "select 1"))).code, "CONFLICT");
      assert.equal((await peer.diagnosis(transaction.rollback())).code, "CONFLICT");
      await rowsOf(connection, "delete from t where id = 3");
    });

    it("leaves nothing when rolled back, disposed of, or lost with its connection", async () => {
      const leave = ["rollback", "dispose", "reader open", "close", "kill"] as const;
      for (const way of leave) {
        await using connection = await peer.open(false);
        const id = await cellOf(connection, "select connection_id()");
        const transaction = await begun(connection);
        await rows(transaction, "update t set name = 'x' where id = 1");
        if (way === "rollback") await transaction.rollback();
        if (way === "dispose") await transaction[Symbol.asyncDispose]();
        if (way === "reader open") {
          await transaction.query("select * from t", [], { signal: never, batchSize: 1 });
          await transaction[Symbol.asyncDispose]();
        }
        if (way === "close") await connection[Symbol.asyncDispose]();
        if (way === "kill") {
          await using killer = await peer.open(false);
          await rowsOf(killer, `kill ${id}`);
        }
        await assert.rejects(rows(transaction, "select 1"), way);
        await assert.rejects(transaction.commit(never), way);
        await transaction[Symbol.asyncDispose]();
        if (way === "rollback" || way === "dispose" || way === "reader open") assert.equal(await cellOf(connection, "select 1"), 1, way);
        else assert.equal(connection.ended, true, way);
        assert.equal(await outside("select name from t where id = 1"), "a", way);
      }
    });

    it("has the connection for itself", async () => {
      await using connection = await peer.open(false);
      await using transaction = await begun(connection);
      assert.equal((await peer.diagnosis(rowsOf(connection, "select 1"))).code, "CONFLICT");
      assert.equal((await peer.diagnosis(rowsOf(connection, "delete from t"))).code, "CONFLICT");
      assert.equal((await peer.diagnosis(begun(connection))).code, "CONFLICT");
      await using stream = await transaction.query("select * from t", [], { signal: never, batchSize: 1 });
      assert.equal((await peer.diagnosis(rows(transaction, "select 1"))).code, "CONFLICT");
      assert.equal((await peer.diagnosis(transaction.commit(never))).code, "CONFLICT");
      await stream[Symbol.asyncDispose]();
      await transaction.commit(never);
      assert.equal(await cellOf(connection, "select 1"), 1);
    });

    it("isolates as asked", async () => {
      const seen = async (isolation?: BeginOptions["isolation"]) => {
        await using connection = await peer.open(false);
        await using transaction = await begun(connection, { readOnly: true, ...(isolation && { isolation }) });
        const look = async () => (await rows(transaction, "select name from t where id = 2"))[0]?.[0];
        const first = await look();
        await using other = await peer.open(false);
        await rowsOf(other, "update t set name = 'changed' where id = 2");
        const second = await look();
        await transaction.commit(never);
        await rowsOf(other, "update t set name = 'b' where id = 2");
        return [first, second];
      };
      assert.deepEqual(await seen("read committed"), ["b", "changed"]);
      assert.deepEqual(await seen("repeatable read"), ["b", "b"]);
      assert.deepEqual(await seen(), ["b", "b"]);
      await using connection = await peer.open(false);
      await using reader = await begun(connection, { isolation: "serializable" });
      await rows(reader, "select name from t where id = 2");
      await using other = await peer.open(false);
      await rowsOf(other, "set innodb_lock_wait_timeout = 1");
      assert.equal((await peer.diagnosis(rowsOf(other, "update t set name = 'no' where id = 2"))).code, "CONFLICT");
    });

    it("stays read-only whatever SQL arrives", async () => {
      const attempts = [
        ...["insert into t values (9, 'no')", "update t set name = 'no'", "delete from t", "create table no (id int)", "truncate table t"],
        ...["create temporary table no (id int)", "commit", "rollback", "begin", "start transaction read write", "set autocommit = 1"],
        ...["set transaction read write", "call ender()", "select * from t for update", "select get_lock('x', 0)", "set @x = 1"],
        ...["/*! commit */", "select 1 /*!50000 into @x */", "lock tables t write", "xa start 'x'", "do sleep(0)"],
      ];
      for (const readOnly of [true, false]) {
        await using connection = await peer.open(readOnly);
        await using transaction = await begun(connection, { readOnly: true });
        for (const sql of attempts) assert.equal((await peer.diagnosis(rows(transaction, sql))).code, "POLICY_DENIED", sql);
        assert.deepEqual(await rows(transaction, "select id from t order by id"), [[1], [2]]);
        await transaction.commit(never);
      }
      await using connection = await peer.open(true);
      assert.equal((await peer.diagnosis(begun(connection))).code, "POLICY_DENIED");
      assert.equal(await cellOf(connection, "select 1"), 1);
    });

    it("runs one statement a call, and none that would end it", async () => {
      await using connection = await peer.open(false);
      await using transaction = await begun(connection);
      await rows(transaction, "update t set name = 'kept' where id = 1");
      assert.equal((await peer.diagnosis(rows(transaction, "select 1; commit"))).code, "SQL_INVALID");
      const endings = [
        ...["commit", "COMMIT AND CHAIN", "rollback", "begin", "start transaction", "lock tables t read", "unlock tables", "xa start 'x'"],
        ...["create table no (id int)", "alter table t add no int", "truncate t", "drop table t", "set autocommit = 1"],
        ...["set @@session.autocommit = 0", "grant select on *.* to nobody", "analyze table t", "flush tables"],
      ];
      for (const sql of endings) {
        const { code, hint } = await peer.diagnosis(rows(transaction, sql));
        assert.deepEqual([code, typeof hint], ["UNSUPPORTED", "string"], sql);
      }
      if (name === "MariaDB") {
        await rows(transaction, "savepoint here");
        await rows(transaction, "update t set name = 'later' where id = 1");
        await rows(transaction, "rollback to savepoint here");
      }
      await rows(transaction, "create temporary table scratch (id int)");
      await rows(transaction, "set @x = 1");
      assert.deepEqual(await rows(transaction, "select name from t where id = 1"), [["kept"]]);
      await transaction.rollback();
      assert.equal(await outside("select name from t where id = 1"), "a");
    });

    it("notices a statement that ended it behind its back", async () => {
      await using connection = await peer.open(false);
      await using transaction = await begun(connection);
      await rows(transaction, "call ender()");
      const { code, message } = await peer.diagnosis(rows(transaction, "delete from t"));
      assert.equal(code, "CONFLICT");
      assert.match(message, /committed/);
      assert.equal(await outside("select count(*) from t where name = 'z'"), 2);
      await rowsOf(connection, "update t set name = if(id = 1, 'a', 'b')");
    });

    it("is over after a deadlock, and says so instead of writing on", async () => {
      await using one = await peer.open(false);
      await using other = await peer.open(false);
      await using first = await begun(one);
      await using second = await begun(other);
      await rows(first, "update t set name = 'first' where id = 1");
      await rows(second, "update t set name = 'second' where id = 2");
      const outcomes = await Promise.allSettled([
        rows(first, "update t set name = 'first' where id = 2"),
        rows(second, "update t set name = 'second' where id = 1"),
      ]);
      const victims = [first, second].filter((_, index) => outcomes[index]?.status === "rejected");
      assert.equal(victims.length, 1);
      const [victim] = victims as [Transaction];
      const { code, message } = await peer.diagnosis(rows(victim, "insert into t values (77, 'stray')"));
      assert.equal(code, "CONFLICT");
      assert.match(message, /rolled it back/);
      await assert.rejects(victim.commit(never));
      await (victim === first ? second : first).rollback();
      assert.equal(await outside("select group_concat(name order by id) from t"), "a,b");
    });

    it("goes on after an error in a statement, and after a cancel", async () => {
      await using connection = await peer.open(false);
      await using transaction = await begun(connection);
      await rows(transaction, "update t set name = 'mine' where id = 1");
      assert.equal((await peer.diagnosis(rows(transaction, "insert into t values (1, 'again')"))).code, "CONSTRAINT_VIOLATED");
      assert.equal((await peer.diagnosis(rows(transaction, "select nothing from t"))).code, "SQL_INVALID");
      for (let round = 0; round < 10; round++) {
        const signal = AbortSignal.timeout(5 * round);
        const running = transaction.query("select sleep(20) from t", [], { signal, batchSize });
        const error = await rejection(running.then(async (stream) => void (await Array.fromAsync(stream))));
        assert.equal(error, signal.reason);
      }
      await transaction.commit(never);
      assert.equal(await outside("select name from t where id = 1"), "mine");
      await rowsOf(connection, "update t set name = 'a' where id = 1");
    });

    it("tells a cancelled beginning from a begun one", async () => {
      await using connection = await peer.open(false);
      const caller = new AbortController();
      const beginning = begun(connection, { signal: caller.signal });
      caller.abort(new Error("gone"));
      const error = await rejection(beginning);
      assert.equal(error, caller.signal.reason);
      assert.equal(await cellOf(connection, "select 1"), 1);
    });
  });

  describe(`a connection of ${name} given back`, { skip: absence }, () => {
    let peer: Peer;
    before(async () => {
      peer = await start("returned");
      await using connection = await peer.open(false);
      await rowsOf(connection, "create table t (id int)");
    });
    after(() => peer?.stop());

    it("holds nothing its last caller left on it", async () => {
      await using connection = await peer.open(false);
      assert.ok(connection.reset);
      const settings =
        "select concat_ws('|', @@sql_mode, @@time_zone, @@character_set_client, @@character_set_results, @@collation_connection, @@autocommit, @@group_concat_max_len, @@sql_select_limit, @@innodb_lock_wait_timeout)";
      const before = await cellOf(connection, settings);
      const left = [
        ...["set @left = 1", "set time_zone = '+05:00'", "set names latin1", "set sql_mode = 'ANSI_QUOTES'", "set sql_select_limit = 1"],
        ...[
          "set innodb_lock_wait_timeout = 1",
          "create temporary table scratch (id int)",
          "select get_lock('left', 0)",
          "set autocommit = 0",
        ],
        "insert into t values (1)",
      ];
      for (const sql of left) await rowsOf(connection, sql);
      await connection.reset(never);
      assert.equal(await cellOf(connection, settings), before);
      assert.equal(await cellOf(connection, "select @left"), null);
      assert.equal(await cellOf(connection, "select count(*) from t"), 0);
      assert.equal((await peer.diagnosis(rowsOf(connection, "select * from scratch"))).code, "SQL_INVALID");
      await using other = await peer.open(false);
      assert.equal(await cellOf(other, "select is_free_lock('left')"), 1);
      await rowsOf(other, "alter table t add extra int");
      await rowsOf(other, "alter table t drop extra");
    });

    it("is as guarded as it was, and keeps its time limit", async () => {
      await using connection = await peer.open(true);
      const wall = name === "MariaDB" ? "select @@max_statement_time" : "select @@max_execution_time";
      const limit = await cellOf(connection, wall);
      for (let round = 0; round < 3; round++) {
        await connection.reset?.(never);
        assert.equal(await cellOf(connection, wall), limit);
        assert.equal((await connection.proveReadOnly(never)).state, "verified");
        assert.equal(await cellOf(connection, name === "MariaDB" ? "select @@tx_read_only" : "select @@transaction_read_only"), 1);
      }
    });

    it("stands in its own database and role, or is closed", async () => {
      for (const setup of ["drop role if exists part", "create role part", "grant part to tide@'%'"]) await peer.run(setup);
      // MySQL runs no USE as a prepared statement.
      for (const sql of [...(name === "MariaDB" ? ["use mysql"] : []), "set role part"]) {
        await using connection = await peer.open(false);
        await rowsOf(connection, sql);
        const outcome = await connection.reset?.(never).catch(() => "refused");
        if (outcome === undefined)
          assert.equal(await cellOf(connection, "select concat_ws(' ', database(), nullif(current_role(), 'NONE'))"), "returned", sql);
        else assert.equal(connection.ended, true, sql);
      }
    });

    it("says no while it is in use, and when its caller is gone", async () => {
      await using connection = await peer.open(false);
      assert.ok(connection.begin && connection.reset);
      await using transaction = await connection.begin({ signal: never, readOnly: false });
      assert.equal((await peer.diagnosis(connection.reset(never))).code, "CONFLICT");
      await transaction.rollback();
      const gone = AbortSignal.abort(new Error("gone"));
      assert.equal(await rejection(connection.reset(gone)), gone.reason);
      await connection.reset(never);
    });
  });
}

import assert from "node:assert/strict";
import { createServer, connect as dial } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { cellOf, firstBatch, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { numbersOnMariaDb, numbersOnMySql } from "./mysql-numbers.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const absence = mariaDbAbsence();
const cancels = Number(process.env.TIDEGATE_TEST_CANCELS ?? 500);

describe("mysql survives", { skip: absence }, () => {
  let server: MariaDb;
  let endless: string;
  let silent: string;
  before(async () => {
    server = await startMariaDb();
    ({ endless, silent } = statementsOf(server));
    prepareServer(server, "faults");
    server.run("create table faults.t (id int primary key, name varchar(20)); insert into faults.t values (1, 'a'), (2, 'b')");
  });
  after(() => server.stop());

  const open = (readOnly = true, options: Record<string, string> = {}): Promise<Connection> => {
    const target = mysqlTarget(server, "faults");
    return connect({ ...target, options: { ...target.options, ...options } }, { signal: never, readOnly });
  };
  /** Statements of the driver's user that the server still runs. */
  const running = () =>
    Number(server.run("select count(*) from information_schema.processlist where user = 'tide' and command <> 'Sleep'").trim());
  const connected = () => Number(server.run("select count(*) from information_schema.processlist where user = 'tide'").trim());
  const settled = async (look: () => number) => {
    for (let tries = 0; tries < 100 && look() > 0; tries++) await sleep(20);
    return look();
  };
  const diagnosis = async (failing: Promise<unknown>) => {
    const error = await rejection(failing);
    return diagnose(error) ?? assert.fail(String(error));
  };

  it(`${cancels} cancels with nothing left running, on a connection that stays usable`, async () => {
    await using connection = await open();
    for (let round = 0; round < cancels; round++) {
      const caller = new AbortController();
      const sql = round % 2 === 0 ? endless : silent;
      const reading = connection.query(sql, [], { signal: caller.signal, batchSize: 100 }).then(firstBatch);
      const left = setTimeout(() => caller.abort(new Error("gone")), round % 7);
      const outcome = await reading.catch((error) => error);
      clearTimeout(left);
      assert.ok(outcome === 100 || outcome === caller.signal.reason, String(outcome));
      assert.equal(await cellOf(connection, "select count(*) from t"), 2);
    }
    assert.equal(running(), 0);
    await connection[Symbol.asyncDispose]();
    assert.equal(await settled(connected), 0);
  });

  it("a caller that leaves while connecting", async () => {
    for (let round = 0; round < 20; round++) {
      const caller = new AbortController();
      const opening = connect(mysqlTarget(server, "faults"), { signal: caller.signal, readOnly: true });
      setTimeout(() => caller.abort(new Error("gone")), round / 4);
      const connection = await opening.catch((error) => assert.equal(error, caller.signal.reason));
      await connection?.[Symbol.asyncDispose]();
    }
    assert.equal(await settled(connected), 0);
  });

  it("being closed while a statement runs, which then ends on the server", async () => {
    const connection = await open();
    const stream = await connection.query(endless, [], { signal: never, batchSize: 100 });
    await connection[Symbol.asyncDispose]();
    assert.equal((await diagnosis(firstBatch(stream))).code, "CONNECTION_FAILED");
    assert.equal(await settled(connected), 0);
  });

  it("being closed at the moment a statement is sent", async () => {
    for (let round = 0; round < 40; round++) {
      const connection = await open(round % 2 === 0);
      const reading = rowsOf(connection, "select * from t").then(
        () => "read",
        (error) => diagnose(error)?.code,
      );
      for (let turn = 0; turn < round; turn++) await Promise.resolve();
      await connection[Symbol.asyncDispose]();
      assert.match((await reading) ?? "", /read|CONNECTION_FAILED/);
    }
    assert.equal(await settled(connected), 0);
  });

  it("being closed while a statement starts, and while its rows are waited for", async () => {
    for (const sql of [silent, "select n, sleep(n = 5) from (select 1 as n union all select 5 union all select 6) as a"]) {
      const connection = await open();
      const reading = connection.query(sql, [], { signal: never, batchSize: 100 }).then(firstBatch);
      const failing = diagnosis(reading);
      await sleep(30);
      await connection[Symbol.asyncDispose]();
      assert.equal((await failing).code, "CONNECTION_FAILED");
      assert.equal(await settled(connected), 0);
    }
  });

  it("its session being killed by somebody else", async () => {
    await using connection = await open();
    const id = await cellOf(connection, "select connection_id()");
    server.run(`kill ${id}`);
    assert.equal((await diagnosis(rowsOf(connection, "select 1"))).code, "CONNECTION_FAILED");
    assert.equal(connection.ended, true);
  });

  it("its statement being killed by somebody else", async () => {
    await using connection = await open();
    const id = await cellOf(connection, "select connection_id()");
    const failing = diagnosis(rowsOf(connection, silent));
    while (running() === 0) await sleep(20);
    server.run(`kill query ${id}`);
    assert.equal((await failing).code, "CANCELLED");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("the server's own time limit", async () => {
    await using connection = await open(true, { max_statement_time: "1" });
    assert.equal((await diagnosis(rowsOf(connection, silent))).code, "TIMEOUT");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  it("locks that others hold, and deadlines on them", async () => {
    await using holder = await open(false);
    await using waiter = await open(false);
    const transaction = await holder.begin?.({ signal: never, readOnly: false });
    assert.ok(transaction);
    await using _ = await transaction.query("update t set name = 'held' where id = 1", [], { signal: never, batchSize: 1 });
    await rowsOf(waiter, "set innodb_lock_wait_timeout = 1");
    const { code, retryable } = await diagnosis(rowsOf(waiter, "update t set name = 'no' where id = 1"));
    assert.deepEqual([code, retryable], ["CONFLICT", true]);
    await rowsOf(waiter, "set innodb_lock_wait_timeout = 50");
    const signal = AbortSignal.timeout(100);
    assert.equal(await rejection(waiter.query("update t set name = 'no' where id = 1", [], { signal, batchSize: 1 })), signal.reason);
    await transaction.rollback();
    assert.deepEqual(await rowsOf(waiter, "select name from t where id = 1"), [["a"]]);
  });

  it("a server with no connection left", async () => {
    assert.equal(await settled(connected), 0);
    server.run("set global max_connections = 10");
    const opened: Connection[] = [];
    const opening = async () => {
      for (let count = 0; count < 20; count++) opened.push(await open());
    };
    // The client that changed the setting frees its own place a moment later.
    for (let round = 0; round < 3; round++, await sleep(50)) {
      const { code, retryable } = await diagnosis(opening());
      assert.deepEqual([code, retryable], ["CONNECTION_FAILED", true]);
    }
    const [first] = opened;
    assert.ok(first);
    // No second connection to kill over: the first is given up, and the statement dies with it.
    const signal = AbortSignal.timeout(50);
    assert.equal(await rejection(read(first, endless, signal)), signal.reason);
    assert.equal(first.ended, true);
    for (const connection of opened) await connection[Symbol.asyncDispose]();
    await settled(connected);
    server.run("set global max_connections = 151");
  });

  it("a cancel that comes to nothing: what is given up ends on the server too", async () => {
    // A line on which the question whether the statement still runs is lost, and so everything that follows its answer.
    const line = createServer((client) => {
      const onwards = dial(server.port, "127.0.0.1");
      client.on("data", (piece) => void (piece.includes("processlist") || onwards.write(piece))).on("close", () => onwards.end());
      onwards.on("error", () => client.destroy()).pipe(client.on("error", () => onwards.destroy()));
    });
    await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
    const target = mysqlTarget(line.address() as { readonly port: number }, "faults");
    await using connection = await connect(
      { ...target, options: { ...target.options, "ssl-mode": "disabled" } },
      { signal: never, readOnly: true },
    );
    const caller = new AbortController();
    const failing = rejection(read(connection, silent, caller.signal));
    while (running() === 0) await sleep(20);
    caller.abort(new Error("gone"));
    assert.equal(await failing, caller.signal.reason);
    assert.equal(connection.ended, true);
    assert.equal(await settled(connected), 0);
    line.close();
  });

  it("a server that stands still", async () => {
    await using connection = await open();
    await using reader = await open();
    const answered = await reader.query("select 1", [], { signal: never, batchSize: 1 });
    process.kill(server.pid, "SIGSTOP");
    // The signal reaches the last thread of the server a moment later.
    await sleep(50);
    try {
      assert.equal(await firstBatch(answered), 1);
      assert.equal(reader.ended, true, "what could not be given back is not used again");
      const signal = AbortSignal.timeout(50);
      assert.equal(await rejection(read(connection, "select 1", signal)), signal.reason);
      assert.equal(connection.ended, true);
      const hanging = await rejection(open(true, { connect_timeout: "1" }));
      assert.equal(diagnose(hanging)?.code, "CONNECTION_FAILED");
    } finally {
      process.kill(server.pid, "SIGCONT");
    }
    await using next = await open();
    assert.equal(await cellOf(next, "select 1"), 1);
  });

  it("a crash of the server in the middle of the rows, and its restart", async () => {
    await using connection = await open();
    await using stream = await connection.query(endless, [], { signal: never, batchSize: 100 });
    const reading = async () => {
      let seen = 0;
      for await (const { length } of stream) {
        if (seen === 0) void server.kill();
        seen += length;
      }
    };
    const { code, retryable } = await diagnosis(reading());
    assert.deepEqual([code, retryable], ["CONNECTION_FAILED", true]);
    assert.equal(connection.ended, true);
    assert.equal((await diagnosis(open())).code, "CONNECTION_FAILED");
    await server.start();
    await using next = await open();
    assert.equal(await cellOf(next, "select count(*) from t"), 2);
  });
});

async function read(connection: Connection, sql: string, signal: AbortSignal): Promise<void> {
  for await (const _ of await connection.query(sql, [], { signal, batchSize: 1 }));
}

/** One that gives rows for days, and one that gives none. */
function statementsOf({ brand }: MariaDb): { readonly endless: string; readonly silent: string } {
  const numbers = brand === "MySQL" ? numbersOnMySql : numbersOnMariaDb;
  const many = 10 ** 9;
  return { endless: numbers(10 ** 12), silent: `select sum(a.seq * b.seq) from (${numbers(many)}) as a, (${numbers(many)}) as b` };
}

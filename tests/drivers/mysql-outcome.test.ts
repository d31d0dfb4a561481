import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;

describe("mysql, when the connection is lost while a statement runs,", { skip: mariaDbAbsence() }, () => {
  let server: MariaDb;
  let proxy: TcpProxy;
  before(async () => {
    server = await startMariaDb();
    proxy = await startProxy(server);
    prepareServer(server, "outcomes");
    server.run("use outcomes; create table t (id int); create table many as select seq as id from seq_1_to_1000000");
  });
  after(async () => {
    await proxy?.close();
    await server?.stop();
  });

  /** What is said of a statement that runs when the connection goes. */
  const lost = async (readOnly: boolean, run: (connection: Connection) => Promise<unknown>) => {
    const running = () =>
      server.run("select count(*) from information_schema.processlist where user = 'tide' and command = 'Execute'").trim() !== "0";
    // The server does not see at once that nobody waits for the one before.
    while (running()) await setTimeout(20);
    await using connection = await connect(mysqlTarget(proxy, "outcomes"), { signal: never, readOnly });
    let isOver = false;
    const failing = rejection(run(connection)).finally(() => {
      isOver = true;
    });
    failing.catch(() => undefined);
    while (!isOver && !running()) await setTimeout(5);
    if (isOver) assert.fail(String(await failing));
    proxy.cut();
    const diagnosis = diagnose(await failing);
    assert.equal(diagnosis?.code, "CONNECTION_FAILED");
    return diagnosis;
  };

  it("a write that may have been kept is not offered a second try", async () => {
    for (const sql of [
      "insert into t select 1 from (select sleep(2)) as s",
      "insert into t select many.id from many where many.id + sleep(many.id = 9) >= 0 returning id",
    ]) {
      const diagnosis = await lost(false, (connection) => rowsOf(connection, sql));
      assert.equal(diagnosis?.message, "The connection was lost while the statement ran: the server may have kept its changes or not", sql);
      assert.equal(diagnosis?.retryable, false);
      assert.equal(diagnosis?.hint, "Look at the data before running it again");
    }
  });

  it("a read is, and so is what the end of its transaction undoes", async () => {
    const count = "select count(*) from many as a, (select id from many limit 20) as b where (a.id + b.id) % 7 = 3";
    assert.equal((await lost(true, (connection) => rowsOf(connection, count)))?.retryable, true);
    assert.equal((await lost(false, (connection) => rowsOf(connection, count)))?.retryable, true);
    const held = await lost(false, async (connection) => {
      const transaction = (await connection.begin?.({ signal: never, readOnly: false })) ?? assert.fail();
      await transaction.query("insert into t select 1 from (select sleep(2)) as s", [], { signal: never, batchSize: 10 });
    });
    assert.equal(held?.retryable, true);
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chownSync, existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, freePort, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].find((path) => existsSync(path));
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
      `[databases]\npostgres = host=${server.folder} port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = plain\nauth_file = ${users}\npool_mode = transaction\ndefault_pool_size = 2\nunix_socket_dir =\n`,
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

  const open = (access: "read" | "write" = "read"): Promise<Connection> =>
    driver.connect(server.target("postgres", { location: `127.0.0.1:${port}/postgres` }), { signal: never, readOnly: access === "read" });

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
});

async function rowsOfEndless(connection: Connection, signal: AbortSignal): Promise<void> {
  const sql = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3";
  for await (const _ of await connection.query(sql, [], { signal, batchSize: 10 }));
}

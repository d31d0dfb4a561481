import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Connection } from "../../core/contract/driver.ts";
import type { Opened } from "../../plugins/postgres/connect.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { Session } from "../../plugins/postgres/session.ts";
import { readSettings } from "../../plugins/postgres/target/settings.ts";
import { Wire } from "../../plugins/postgres/wire/wire.ts";
import { never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";
import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const unknown = /^The connection was lost while (?:committing|the statement ran): the server may have kept (?:the|its) changes or not$/;

describe("driver postgres, when the connection is lost", {
  skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}`,
}, () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  before(async () => {
    server = await startPostgres(bin as string);
    proxy = await startProxy(server);
    server.psql(`create table kept (x int);
      create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
      create constraint trigger slow after insert on kept deferrable initially deferred for each row execute function slow()`);
  });
  after(async () => {
    await proxy?.close();
    await server?.stop();
  });

  const open = (): Promise<Connection> =>
    driver.connect(server.target("postgres", { location: `127.0.0.1:${proxy.port}/postgres` }), { signal: never, readOnly: false });
  const sleeps = "from pg_stat_activity where wait_event = 'PgSleep'";
  const losses = { cut: () => proxy.cut(), end: () => void server.psql(`select pg_terminate_backend(pid) ${sleeps}`) };

  for (const [name, lose] of Object.entries(losses)) {
    /** What is said of a statement that sleeps when the connection goes. */
    const lost = async (run: (connection: Connection) => Promise<unknown>) => {
      await using connection = await open();
      let isOver = false;
      const failing = rejection(run(connection)).finally(() => {
        isOver = true;
      });
      failing.catch(() => undefined);
      while (!isOver && server.psql(`select count(*) ${sleeps}`) === "0") await setTimeout(5);
      if (isOver) assert.fail(String(await failing));
      lose();
      const diagnosis = driver.diagnose(await failing);
      server.psql(`select pg_terminate_backend(pid) ${sleeps}`);
      assert.equal(diagnosis?.code, "CONNECTION_FAILED");
      return diagnosis;
    };
    const undecided = async (run: (connection: Connection) => Promise<unknown>) => {
      const diagnosis = await lost(run);
      assert.match(diagnosis?.message ?? "", unknown);
      assert.equal(diagnosis?.retryable, false);
      assert.equal(diagnosis?.hint, "Look at the data before running it again");
    };

    it(`offers no second try of a commit that nobody answered (${name})`, async () => {
      await undecided((connection) => rowsOf(connection, "insert into kept values (1)"));
      await undecided(async (connection) => {
        const transaction = (await connection.begin?.({ signal: never, readOnly: false })) ?? assert.fail();
        for await (const _ of await transaction.query("insert into kept values (1)", [], { signal: never, batchSize: 1 }));
        await transaction.commit(never);
      });
    });

    it(`offers no second try of what runs outside a transaction (${name})`, () =>
      undecided((connection) => rowsOf(connection, "do 'begin perform pg_sleep(60); end'")));

    it(`offers one where nothing can have been kept (${name})`, async () => {
      const diagnosis = await lost((connection) => rowsOf(connection, "insert into kept select 1 from pg_sleep(60)"));
      assert.equal(diagnosis?.retryable, true);
    });
  }
});

describe("driver postgres, when the server goes after its answer", () => {
  const message = (type: string, body: string) => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };
  /** Commits on a server that answers COMMIT with this, and is gone. */
  const committed = async (...answers: readonly Buffer[]) => {
    const server = createServer((socket) => {
      socket.once("data", () => {
        socket.write(Buffer.concat([message("C", "BEGIN\0"), message("Z", "T")]));
        socket.once("data", () => socket.end(Buffer.concat(answers)));
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    await once(socket, "connect");
    const wire = new Wire(socket);
    const settings = readSettings({ scheme: "postgres", location: "", options: {} }, {});
    // Of an open session, ending a transaction needs only this.
    const session = new Session({ wire, close: async () => wire.destroy() } as unknown as Opened, settings, false);
    try {
      const work = await session.begin(never);
      work.transaction("READ WRITE");
      await work.ready();
      await work.end("COMMIT");
    } finally {
      await session.close();
      server.close();
    }
  };

  it("keeps a commit that it confirmed", () => committed(message("C", "COMMIT\0")));

  it("knows that what it answered with a rollback is undone", async () => {
    const diagnosis = driver.diagnose(await rejection(committed(message("C", "ROLLBACK\0"))));
    assert.equal(diagnosis?.code, "CONFLICT");
  });

  it("knows nothing when it only says that it goes", async () => {
    const error = message("E", "SFATAL\0C57P01\0Mterminating connection\0\0");
    const diagnosis = driver.diagnose(await rejection(committed(error)));
    assert.match(diagnosis?.message ?? "", unknown);
    assert.equal(diagnosis?.retryable, false);
  });
});

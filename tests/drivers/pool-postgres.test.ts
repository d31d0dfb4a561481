import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnections } from "../../core/connection/connections.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { createCallers } from "../support/callers.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { describePool, type PoolServer } from "./pool-suite.ts";

const bin = findPostgres();
const absence = typeof bin === "string" ? undefined : `needs a server: ${bin.absent}`;
const backends = "from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";

async function start(): Promise<PoolServer> {
  const server = await startPostgres(bin as string);
  return {
    target: (password = server.password) => `postgres://tidegate:${password}@127.0.0.1:${server.port}/postgres`,
    killSessions: () => void server.psql(`select pg_terminate_backend(pid) ${backends}`),
    crash: server.crash,
    start: server.start,
    stop: server.stop,
    sessions: () => Number(server.psql(`select count(*) ${backends}`)),
    pause() {
      const pid = Number(server.psql(`select pid ${backends}`));
      process.kill(pid, "SIGSTOP");
      return () => void process.kill(pid, "SIGCONT");
    },
  };
}

describePool({
  name: "PostgreSQL",
  driver: createPostgresDriver(),
  absence,
  start,
  table: ["create table if not exists kept (n int)", "truncate kept"],
  leftovers: [
    { what: "setting", leave: "set work_mem = '7MB'", look: "select current_setting('work_mem') = '7MB'", clean: false },
    { what: "role", leave: "set role pg_monitor", look: "select current_user::text", clean: "tidegate" },
    { what: "temporary table", leave: "create temp table mine (n int)", look: "select to_regclass('pg_temp.mine') is null", clean: true },
    {
      what: "lock",
      leave: "select pg_advisory_lock(42)",
      look: "select count(*)::int from pg_locks where locktype = 'advisory' and objid = 42",
      clean: 0,
    },
    { what: "channel", leave: "listen news", look: "select count(*)::int from pg_listening_channels()", clean: 0 },
  ],
});

describe("a pool of PostgreSQL connections with two servers", { skip: absence ?? false }, () => {
  it("goes on with the other one when the first dies", { timeout: 180_000 }, async () => {
    const [first, second] = await Promise.all([startPostgres(bin as string), startPostgres(bin as string)]);
    second.psql(`alter role tidegate password '${first.password}'`);
    const hosts = `127.0.0.1:${first.port},127.0.0.1:${second.port}`;
    const target = `postgres://tidegate:${first.password}@${hosts}/postgres?target_session_attrs=read-write`;
    const connections = createConnections({
      connections: [{ name: "sales", target, folder: "/", write: false }],
      secrets: createSecrets({ env: {}, warn: () => undefined }),
      drivers: [createPostgresDriver()],
      limits: { most: 2, waitMillis: 10_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis: 5000 },
      unproved: () => undefined,
    });
    try {
      const { cell } = createCallers(connections)();
      const port = "select inet_server_port()";
      assert.equal(await cell(port), first.port);
      await first.crash();
      await sleep(50); // Until the news is here: a statement that was sent may have run, and is not sent again.
      assert.equal(await cell(port), second.port);
    } finally {
      await connections.close();
      await Promise.all([first.stop(), second.stop()]);
    }
  });
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { type App, type AppExport, createApp } from "../../core/app.ts";
import type { Params } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { never } from "../contract/driver/bench.ts";
import { createConfigFolder } from "../support/config-folder.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const principal = { id: "ann", roles: [], via: "local" } as const;

describe("exports from postgres", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  const folder = createConfigFolder();
  let server: PostgresServer;
  let app: App;
  before(async () => {
    // Scans that run beside each other would start where the others are, and give the rows in another order.
    server = await startPostgres(bin as string, { synchronize_seqscans: "off" });
    server.psql("create table big as select i as id, repeat('x', 100) as note from generate_series(1, 300000) as i");
    const { location, user } = server.target("postgres");
    app = await createApp({
      config: await folder.loadText("telemetry: { traces: off }\nlimits: { maxConcurrent: 2 }\n"),
      connections: [
        { name: "main", target: `postgres://${user}:${server.password}@${location}`, folder: folder.project, write: false },
        { name: "short", target: `postgres://${user}:${server.password}@${location}`, folder: folder.project, write: false, maxRows: 10 },
      ],
      bundled: { postgres: async () => ({ default: () => ({ drivers: [createPostgresDriver()] }) }) },
      seatCommand: [],
      env: {},
      version: "0",
    });
  });
  after(async () => {
    await app?.close();
    await server?.stop();
    folder.remove();
  });

  const caller = (signal = never) => ({ principal, signal, span: app.telemetry.root("verb", "export") });
  const path = (name: string) => join(folder.project, name);
  const write = (name: string, sql: string, params: Params = []) =>
    app.export({ sql, params, connection: "main" }, { to: path(name), meta: false, overwrite: true }, caller());
  const table = (to: string, rest: Partial<AppExport> = {}, connection = "main", signal = never) =>
    app.export(
      { sql: "select * from big", connection },
      { to: path(to), meta: false, table: { schema: "public", name: "big" }, ...rest },
      caller(signal),
    );

  it("take parameters in every format, and never as SQL", async () => {
    const hostile = `x'); drop table big; --"`;
    const sql = "select :n::int + 1 as n, :t::text as t, :none::text as none";
    const params = { n: 41, t: hostile, none: null };
    const csv = `n,t,none\n42,"${hostile.replaceAll('"', '""')}",\n`;
    await write("a.csv", sql, params);
    assert.equal(readFileSync(path("a.csv"), "utf8"), csv);
    await write("a.csv.gz", sql, params);
    assert.equal(gunzipSync(readFileSync(path("a.csv.gz"))).toString(), csv);
    await write("a.json", sql, params);
    assert.deepEqual(JSON.parse(readFileSync(path("a.json"), "utf8")).rows, [[42, hostile, null]]);
    for (const name of ["a.parquet", "a.arrow", "a.xlsx", "a.md"]) assert.equal((await write(name, sql, params)).rows, 1, name);
    assert.equal(server.psql("select count(*) from big"), "300000");
  });

  it("give the same file over one connection and over several", async () => {
    const one = await table("one.csv", { jobs: 1 });
    for (const jobs of [undefined, 2, 9]) {
      const several = await table(`several-${jobs}.csv`, { jobs });
      assert.deepEqual([several.sha256, several.rows], [one.sha256, 300_000], `${jobs} jobs`);
    }
    const parquet = await table("one.parquet", { jobs: 1 });
    assert.deepEqual((await table("two.parquet", { jobs: 2 })).rows, parquet.rows);
  });

  it("wait for no connection that another export has", async () => {
    const reports = await Promise.all([1, 2, 3].map((number) => table(`beside-${number}.csv`, { jobs: 2 })));
    assert.equal(new Set(reports.map(({ sha256 }) => sha256)).size, 1);
  });

  it("fail whole at the connection's limit of rows, over several connections too", async () => {
    await assert.rejects(table("short.csv", { jobs: 2 }, "short"), { code: "LIMIT_EXCEEDED" });
    assert.deepEqual(
      readdirSync(folder.project).filter((name) => name.includes("short")),
      [],
    );
  });

  it("leave no file behind when the caller leaves in the middle", async () => {
    const leaving = new AbortController();
    const onProgress = () => leaving.abort();
    await assert.rejects(table("left.csv", { jobs: 2, onProgress }, "main", leaving.signal));
    assert.ok(leaving.signal.aborted);
    assert.deepEqual(
      readdirSync(folder.project).filter((name) => name.includes("left") || name.endsWith(".part")),
      [],
    );
  });
});

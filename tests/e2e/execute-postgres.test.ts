import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import activate from "../../plugins/postgres/plugin.ts";
import { describeDryRun } from "../support/dry-run-suite.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { writeApp, writer } from "../support/write-app.ts";

const bin = findPostgres();

if (typeof bin !== "string") {
  it.skip(`writes on PostgreSQL (${bin.absent})`, () => undefined);
} else {
  const [driver = assert.fail("the plugin has a driver")] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
  const server = await startPostgres(bin);
  after(() => server.stop());
  const url = `postgres://tidegate:${server.password}@127.0.0.1:${server.port}/postgres?sslmode=disable`;

  describeDryRun({
    driver,
    target: () => url,
    placeholder: (nr) => `$${nr}`,
    decimals: true,
    make: async (statements) => void server.psql(statements.join(";\n"), "postgres"),
  });

  describe("writes on PostgreSQL", () => {
    const state = () =>
      server.psql(
        "select md5(string_agg(t::text, ',' order by t.id)) from account t; select last_value from account_id_seq; select count(*) from pg_class",
        "postgres",
      );
    const open = async (policy: string) => {
      server.psql(
        `drop table if exists account cascade; create table account (id serial primary key, owner text not null, balance numeric(20,4) check (balance >= 0), at timestamptz default '2026-01-01');
         insert into account (owner, balance) select 'owner ' || n, n from generate_series(1, 20) n`,
        "postgres",
      );
      const app = await writeApp(driver, url, policy);
      return { ...app, [Symbol.asyncDispose]: () => app.close() };
    };

    it("are taken back when they change too many rows, and nothing is different then", async () => {
      await using app = await open(writer("    limits: { affectedRows: 5 }\n    whereRequired: false\n"));
      const before = state();
      for (const sql of ["update account set balance = 0", "delete from account where id > 3 returning *"])
        for (const more of [{}, { dry_run: true }]) await assert.rejects(app.ask(sql, more), { code: "LIMIT_EXCEEDED" }, sql);
      assert.equal(state(), before);
      assert.equal(await app.execute("update account set balance = 0 where id <= 5"), "-- done: update, 5 rows of account");
    });

    it("are refused without a where, wherever else the word stands", async () => {
      await using app = await open(writer());
      const before = state();
      for (const sql of [
        "delete from account",
        "update account set owner = 'where'",
        "with w as (select 1 where true) delete from account",
        "with gone as (delete from account returning id) select count(*) from gone where true",
        "update account set owner = (select 'x' where true) from (select 1 where true) s",
      ])
        await assert.rejects(app.ask(sql), { code: "POLICY_DENIED" }, sql);
      assert.equal(state(), before);
    });

    it("call no function that nobody reviewed: no rollback takes back what those do", async () => {
      await using app = await open(writer());
      const before = state();
      for (const sql of [
        "insert into account (owner) select pg_read_file('/etc/passwd')",
        "update account set owner = set_config('search_path', 'x', false) where id = 1",
        "update account set balance = setval('account_id_seq', 1000) where id = 1",
        "delete from account where pg_terminate_backend(0)",
        "insert into account (owner) select lo_export(1, '/tmp/x')::text",
      ])
        for (const more of [{}, { dry_run: true }]) await assert.rejects(app.ask(sql, more), { code: "POLICY_DENIED" }, sql);
      assert.equal(state(), before);
    });

    it("tell in a dry run that numbers of sequences are gone, and only they are", async () => {
      await using app = await open(writer());
      const rows = server.psql("select md5(string_agg(t::text, ',' order by id)) from account t", "postgres");
      const told = await app.execute("insert into account (owner, balance) values ('new', 1) returning id", { dry_run: true });
      assert.match(told, /-- a rollback does not take back numbers that sequences gave out\n/);
      assert.equal(server.psql("select md5(string_agg(t::text, ',' order by id)) from account t", "postgres"), rows);
    });

    it("give exact values back", async () => {
      await using app = await open(writer());
      const told = await app.execute("update account set balance = $1 where id = 1 returning balance, at", {
        params: ["1234567890123456.7891"],
      });
      assert.match(told, /^-- returned, 1 row:\nbalance,at\n1234567890123456\.7891,2026-01-01 00:00:00\+00/);
    });

    it("fail as a whole, and say why", async () => {
      await using app = await open(writer());
      const before = state();
      await assert.rejects(app.ask("update account set balance = balance - 5 where id > 2"), { code: "CONSTRAINT_VIOLATED" });
      assert.equal(state(), before);
    });
  });
}

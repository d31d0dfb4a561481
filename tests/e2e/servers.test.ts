import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { tempFolder, tidegate } from "../support/binary.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";

const root = resolve(import.meta.dirname, "../..");
const registry = join(root, "dist/plugins");

/** A server the binary has no driver for: its URL, and how to stop it. */
interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

async function postgres(): Promise<Server> {
  const bin = findPostgres();
  if (typeof bin !== "string") throw new Error(bin.absent);
  const server = await startPostgres(bin);
  server.psql("create table orders (id bigint primary key, total numeric(30,10), placed timestamptz)", "postgres");
  server.psql("insert into orders values (9007199254740993, 12345678901234567890.0123456789, '2024-03-10 02:30:00+05:30')", "postgres");
  return { url: `postgres://tidegate:${server.password}@127.0.0.1:${server.port}/postgres?sslmode=disable`, stop: () => server.stop() };
}

async function mariaDb(): Promise<Server> {
  const server = await startMariaDb();
  server.run("create database shop");
  server.run("create table shop.orders (id bigint primary key, total decimal(30,10), placed datetime(6))");
  server.run("insert into shop.orders values (9007199254740993, 12345678901234567890.0123456789, '2024-03-09 21:00:00')");
  server.run("create user ann@'%' identified by 'open-sesame'; grant all on shop.* to ann@'%'");
  return { url: `mysql://ann:open-sesame@127.0.0.1:${server.port}/shop`, stop: () => server.stop() };
}

const absent = findPostgres();
const peers = [
  { name: "PostgreSQL", scheme: "postgres", absence: typeof absent === "string" ? undefined : absent.absent, start: postgres },
  { name: "MariaDB", scheme: "mysql", absence: mariaDbAbsence(), start: mariaDb },
];

for (const { name, scheme, absence, start } of peers) {
  describe(`${name}, for which the binary brings no driver`, { skip: absence ?? false }, () => {
    let server: Server;
    const folder = tempFolder();
    const env = { TIDEGATE_PLUGIN_REGISTRY: registry };
    const run = (...args: string[]) => tidegate(args, { cwd: folder, env });
    before(async () => {
      execFileSync(process.execPath, [join(root, "scripts/build-plugins.ts")], { cwd: root, stdio: "pipe" });
      server = await start();
    });
    after(() => server?.stop());

    it("is refused with the command that installs it", async () => {
      const { code, stderr } = await run("query", server.url, "select 1");
      assert.equal(code, 3, stderr);
      assert.match(stderr, new RegExp(`tidegate plugin install ${scheme}`));
      assert.doesNotMatch(stderr, new RegExp(new URL(server.url).password || "no password"));
    });

    it("is answered once the signed driver was fetched, exactly", async () => {
      const { stdout, stderr, code } = await run("query", server.url, "select id, total from orders", "--yes");
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "id,total\n9007199254740993,12345678901234567890.0123456789\n");
    });

    it("is inspected, exported and explained as the built-in engines are", async () => {
      assert.match((await run("inspect", server.url, "--format", "compact")).stdout, /orders(\(~\d+\))?: id:bigint\*PK/);
      const exported = await run("export", server.url, "--table", "orders", "--to", "orders.csv");
      assert.equal(exported.code, 0, exported.stderr);
      assert.match((await run("query", "orders.csv", "select count(*) as n from orders")).stdout, /^n\n1\n$/);
    });

    it("is written through an open gate only", async () => {
      const closed = await run("query", server.url, "delete from orders");
      assert.equal(closed.code, 4, closed.stderr);
      const proof = await run("doctor", server.url);
      assert.match(proof.stdout, /read-only (verified|role-limited)/, proof.stderr);
      const open = await run("query", server.url, "delete from orders where id = 9007199254740993", "--write");
      assert.match(open.stderr, /1 row affected/);
    });

    it("says what is wrong with a wrong password, and nothing of the password", async () => {
      const url = new URL(server.url);
      url.password = "not-the-secret";
      const { code, stderr } = await run("query", url.href, "select 1");
      assert.equal(code, 6, stderr);
      assert.doesNotMatch(stderr, /not-the-secret/);
    });
  });
}

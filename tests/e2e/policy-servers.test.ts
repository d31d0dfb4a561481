import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";

const root = resolve(import.meta.dirname, "../..");

/** A server with a shop, its superuser, and how statements of `role-sql` get in. */
interface Server {
  /** What stands before a table's name in a policy test. */
  readonly schema: string;
  url(user?: string): string;
  admin(sql: string): string;
  stop(): Promise<void>;
}

const tables = [
  "create table customers (id int primary key, name varchar(50), email varchar(80), region varchar(2))",
  "insert into customers values (1, 'Ann', 'ann@example.com', 'EU'), (2, 'Bo', 'bo@example.com', 'US')",
  "create table salaries (customer_id int, amount int)",
  "insert into salaries values (1, 5000)",
];

async function postgres(): Promise<Server> {
  const bin = findPostgres();
  if (typeof bin !== "string") throw new Error(bin.absent);
  const server = await startPostgres(bin);
  for (const sql of tables) server.psql(sql, "postgres");
  return {
    schema: "public",
    url: (user) =>
      `postgres://${user === undefined ? `tidegate:${server.password}` : `${user}:pw`}@127.0.0.1:${server.port}/postgres?sslmode=disable`,
    admin: (sql) => server.psql(`${sql}\nalter role tidegate_reader password 'pw';`, "postgres"),
    stop: () => server.stop(),
  };
}

async function mariaDb(): Promise<Server> {
  const server = await startMariaDb();
  server.run("create database shop");
  for (const sql of tables) server.run(`use shop; ${sql}`);
  server.run("create user ann@'%' identified by 'open-sesame'; grant all on *.* to ann@'%' with grant option");
  return {
    schema: "shop",
    url: (user) => `mysql://${user === undefined ? "ann:open-sesame" : `${user}:pw`}@127.0.0.1:${server.port}/shop`,
    admin: (sql) => server.run(sql.replace("<password>", "pw")),
    stop: () => server.stop(),
  };
}

const bin = findPostgres();
const engines = [
  { name: "PostgreSQL", absence: typeof bin === "string" ? undefined : bin.absent, start: postgres },
  { name: "MariaDB", absence: mariaDbAbsence(), start: mariaDb },
];

for (const { name, absence, start } of engines) {
  describe(`roles on ${name}, as superuser`, { skip: absence ?? false }, () => {
    let server: Server;
    const home = tempFolder();
    const policyFile = join(home, "policy.yaml");
    const run = (args: readonly string[], policy = policyFile) =>
      tidegate(args, {
        cwd: home,
        env: {
          ...privateEnvironment(home),
          TIDEGATE_PLUGIN_REGISTRY: join(root, "dist/plugins"),
          TIDEGATE_PLUGINS_AUTO: "true",
          TIDEGATE_POLICY_FILE: policy,
        },
      });
    const query = (sql: string, policy?: string) => run(["query", "shop", sql], policy);
    before(async () => {
      execFileSync(process.execPath, [join(root, "scripts/build-plugins.ts"), "postgres", "mysql"], { cwd: root, stdio: "pipe" });
      server = await start();
      writeFileSync(
        join(home, "tidegate.yaml"),
        `connections:\n  shop: ${server.url()}\n  reader: { target: "${server.url("tidegate_reader")}", write: true }\n`,
      );
      writeFileSync(
        policyFile,
        `version: 1
default: [analyst]
roles:
  analyst:
    rules:
      - { access: read }
      - { table: customers, column: email, mask: hash }
      - { table: customers, column: name, access: none }
      - { table: customers, where: "region = 'EU'" }
      - { table: salaries, access: none }
`,
      );
    });
    after(() => server?.stop());

    it("masks, filters and leaves out", async () => {
      const { stdout, stderr } = await query("select * from customers");
      assert.match(stdout, /^id,email,region\n1,[0-9a-f]{16},EU\n$/, stderr);
      assert.match((await query("select count(*) as n from customers where email like '%@%'")).stdout, /^n\n0\n$/);
    });

    it("answers the same for what is hidden and what is not there", async () => {
      const plain = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) =>
        `${stdout}${stderr}`.replace(/salaries|salariez|name\b|nane/g, "X");
      for (const make of [
        (x: string) => `select * from ${x}`,
        (x: string) => `select nope from ${x}`,
        (x: string) => `select id from customers, ${x}`,
      ])
        assert.equal(plain(await query(make("salaries"))), plain(await query(make("salariez"))), make("X"));
      for (const make of [(x: string) => `select ${x} from customers`, (x: string) => `select zzz from customers where ${x} is null`])
        assert.equal(plain(await query(make("name"))), plain(await query(make("nane"))), make("X"));
    });

    it("checks a statement without running it", async () => {
      const { stdout, stderr } = await run([
        "policy",
        "check",
        "shop",
        "--as",
        "analyst",
        "--sql",
        "select email from customers",
        "--format",
        "json",
      ]);
      const checked = JSON.parse(stdout || "{}");
      assert.deepEqual([checked.verdict, checked.masks], ["allowed", { [`${server.schema}.customers.email`]: "hash" }], stderr);
    });

    it("prints a role that the server takes, and that can read what the policy opens and nothing else", async () => {
      const { stdout, stderr } = await run(["policy", "role-sql", "shop", "--as", "analyst"]);
      assert.match(stdout, /grant select \(.?id.?, .?email.?, .?region.?\) on /, stderr);
      server.admin(stdout);
      const asReader = (sql: string) => run(["query", "reader", sql, "--write"], "none");
      const read = await asReader("select email from customers where id = 1");
      assert.match(read.stdout, /ann@example\.com/, read.stderr);
      for (const sql of ["select name from customers", "select * from salaries", "create table t (a int)", "delete from customers"])
        assert.notEqual((await asReader(sql)).code, 0, sql);
    });

    it("lints filters and masks with the engine", async () => {
      const flawed = join(home, "flawed.yaml");
      writeFileSync(
        flawed,
        'version: 1\nroles:\n  r:\n    rules:\n      - { access: read }\n      - { connection: shop, table: customers, where: "nope = 1" }\n',
      );
      const { code, stdout, stderr } = await run(["policy", "lint", "--live", "--connection", "shop", "--policy", flawed]);
      assert.equal(code, 2, stderr);
      assert.match(stdout, /flawed\.yaml:6: .*nope/);
    });
  });
}

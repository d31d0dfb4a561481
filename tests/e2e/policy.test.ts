import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { binary, privateEnvironment, type RunOptions, tempFolder, tidegate } from "../support/binary.ts";

const home = tempFolder();
const folder = join(home, "tidegate-demo");
const policyFile = join(home, "policy.yaml");
const run = (args: readonly string[], options: RunOptions = {}) =>
  tidegate(args, { cwd: folder, ...options, env: { ...privateEnvironment(home), TIDEGATE_POLICY_FILE: policyFile, ...options.env } });

/** The demo's shop, and a DuckDB database that is called the same inside. */
const policy = (more = "") => `version: 1
default: [analyst]
roles:
  analyst:
    rules:
      - { access: read }
      - { table: customers, column: email, mask: partial }
      - { table: customers, column: name, access: none }
      - { table: orders, where: "status = :principal.status" }
      - { table: reviews, access: none }
    limits: { rows: 50 }
${more}principals: { local: { roles: [analyst], values: { status: delivered } } }
`;

async function makeDatabases(): Promise<void> {
  await run(["demo", folder, "--quiet"], { cwd: home, env: { TIDEGATE_POLICY_FILE: "none" } });
  const tables = [
    "create table customers as select i as id, 'n' || i as name, 'mail' || i || '@example.com' as email, 'X' as city from range(1, 100) t(i)",
    "create table orders as select i as id, case when i % 2 = 0 then 'delivered' else 'paid' end as status from range(1, 101) t(i)",
    "create table reviews as select 1 as id, 5 as rating",
  ];
  for (const sql of tables) {
    const made = await run(["query", "duckdb:lake.duckdb?create=true", "--write", sql], { env: { TIDEGATE_POLICY_FILE: "none" } });
    assert.equal(made.code, 0, made.stderr);
  }
  writeFileSync(join(folder, "tidegate.yaml"), "connections:\n  shop: ./shop.db\n  lake: ./lake.duckdb\n");
  writeFileSync(policyFile, policy());
}

async function serve(connection: string) {
  const client = new Client({ name: "t", version: "1" });
  const env = { ...privateEnvironment(home), TIDEGATE_POLICY_FILE: policyFile, TIDEGATE_LOG_LEVEL: "info" };
  const transport = new StdioClientTransport({
    command: binary,
    args: ["serve", "--connection", `${connection}=${connection}`],
    cwd: folder,
    env,
    stderr: "pipe",
  });
  let logged = "";
  transport.stderr?.on("data", (text: Buffer) => (logged += text));
  await client.connect(transport);
  return {
    client,
    logged: () => logged,
    ask: async (name: string, input: Record<string, unknown>) => {
      const { content } = (await client.callTool({ name, arguments: input })) as { readonly content: readonly { readonly text: string }[] };
      return content[0]?.text ?? "";
    },
  };
}

before(makeDatabases);

for (const connection of ["shop", "lake"]) {
  describe(`roles over MCP on ${connection}`, () => {
    let served: Awaited<ReturnType<typeof serve>>;
    before(async () => {
      served = await serve(connection);
    });
    after(() => served.client.close());
    const query = (sql: string, more: object = {}) => served.ask("query", { sql, ...more });

    it("masks, and everything in the statement sees the mask", async () => {
      assert.match(await query("select distinct email from customers order by 1 limit 1"), /^email\n.\*\*\*\n/);
      assert.match(await query("select max(length(email)) as n from customers"), /^n\n4\n/);
      assert.match(await query("select count(*) as n from customers where email like '%@%'"), /^n\n0\n/);
      assert.match(await query("with c as (select * from customers) select count(*) as n from c where email = '***'"), /^n\n0\n/);
    });

    it("leaves hidden columns out of a star, and filters rows", async () => {
      const [header = ""] = (await query("select * from customers limit 1")).split("\n");
      assert.ok(header.includes("email") && !header.includes("name"), header);
      assert.match(await query("select distinct status from orders"), /^status\ndelivered\n-- 1 row/);
    });

    it("cuts at the role's limit and says whose it is", async () => {
      assert.match(
        await query("select id from customers", { max_rows: 90 }),
        /-- 50 of at least 51 rows: limits\.rows of your role allows no more: narrow the query;/,
      );
    });

    it("writes files under the same masks, and none that lacks rows", async () => {
      const text = await served.ask("export", {
        sql: "select email, status from customers, orders where customers.id = 4 and orders.id = 4",
        to: `${connection}.csv`,
        overwrite: true,
      });
      const path = text.split("\n")[0] ?? "";
      assert.match(readFileSync(path, "utf8"), /^email,status\r?\n(.\*\*\*,delivered\r?\n)?$/);
      assert.match(
        await served.ask("export", { sql: "select id from customers", to: "all.csv" }),
        /LIMIT_EXCEEDED: .*limits\.rows of your role allows: 50 rows fit/,
      );
    });

    it("describes what is open, and nothing else", async () => {
      const all = await served.ask("inspect", {});
      assert.ok(all.includes("customers") && !all.includes("reviews"), all);
      const one = await served.ask("inspect", { object: "customers", detail: "full" });
      assert.ok(one.includes("email") && !/\bname\b/.test(one), one);
      assert.doesNotMatch(await served.ask("inspect", { search: "rating" }), /reviews|rating:/);
      assert.doesNotMatch(await served.ask("inspect", { search: "customer name" }), /customers.*\bname:/);
    });

    it("tells in a plan's last line how the statement is narrowed", async () => {
      const masked = await served.ask("explain", { sql: "select email from customers" });
      assert.match(masked, /\npolicy: customers\.email is masked \(partial\)$/);
      assert.match(await served.ask("explain", { sql: "select id from orders" }), /\npolicy: rows of orders are filtered$/);
      const plain = await served.ask("explain", { sql: "select 1 as x" });
      assert.ok(!plain.includes("policy:"), plain);
    });

    const texts = (thing: string) => [
      `select * from ${thing}`,
      `select nope from ${thing}`,
      `select id from customers, ${thing}`,
      `select * from customers c join ${thing} r on r.id = c.id`,
      `select count(*) from (select * from ${thing}) q`,
      `select id from customers where id in (select id from ${thing})`,
      `select load_extension('x') from ${thing}`,
      `select sum(*) from ${thing}`,
      `delete from ${thing}`,
      `drop table ${thing}`,
      `select * from ${thing}, zzz`,
      `select * from zzz, ${thing}`,
    ];
    const columns = (name: string) => [
      `select ${name} from customers`,
      `select ${name}, zzz from customers`,
      `select zzz, ${name} from customers`,
      `select zzz from customers where ${name} is null`,
      `select id from customers where upper(${name}) = 'A'`,
      `select id from customers order by ${name}, zzz`,
      `select c.${name} from customers c`,
      `select max(${name}) over () from customers`,
    ];
    const pairs: readonly (readonly [what: string, hidden: string, missing: string, make: (name: string) => string[]])[] = [
      ["table", "reviews", "reviewz", texts],
      ["table in other letters", "REVIEWS", "REVIEWZ", texts],
      ["column", "name", "nane", columns],
    ];
    for (const [what, hidden, missing, make] of pairs) {
      it(`answers the same for a hidden ${what} and one that is not there`, async () => {
        const plain = (text: string) =>
          text
            .toLowerCase()
            .replaceAll(hidden.toLowerCase(), "X")
            .replaceAll(missing.toLowerCase(), "X")
            .replace(/trace \w+/, "");
        const forMissing = make(missing);
        for (const [at, sql] of make(hidden).entries()) {
          for (const tool of ["query", "explain"]) {
            const [one, other] = [await served.ask(tool, { sql }), await served.ask(tool, { sql: forMissing[at] })];
            assert.equal(plain(one), plain(other), `${tool}: ${sql}`);
            assert.match(one, /^NOT_FOUND: /, sql);
          }
        }
        if (what === "table") {
          const [one, other] = [await served.ask("inspect", { object: hidden }), await served.ask("inspect", { object: missing })];
          assert.equal(plain(one), plain(other));
        }
      });
    }
  });
}

describe("a policy that changes under a running server", () => {
  it("holds for the next call, and the earlier one stays while it cannot be loaded", async () => {
    const served = await serve("shop");
    const first = async () => (await served.ask("query", { sql: "select email from customers where id = 1" })).split("\n")[1];
    try {
      assert.match((await first()) ?? "", /^.\*\*\*$/);
      writeFileSync(policyFile, policy().replace("mask: partial", "mask: hash"));
      await sleep(1100);
      assert.match((await first()) ?? "", /^[0-9a-f]{16}$/);
      writeFileSync(policyFile, "version: 1\nroles: {");
      await sleep(1100);
      assert.match((await first()) ?? "", /^[0-9a-f]{16}$/);
      assert.match(served.logged(), /Cannot load the policy .*policy\.yaml:2: .*The earlier policy stays/);
      writeFileSync(policyFile, policy().replace("    limits", "    tools: [query]\n    limits"));
      await sleep(1100);
      assert.match(await served.ask("inspect", {}), /NOT_FOUND: No tool is named "inspect"/);
      assert.match((await first()) ?? "", /^.\*\*\*$/);
    } finally {
      writeFileSync(policyFile, policy());
      await served.client.close();
    }
  });

  it("limits the rate of calls, and says when to come back", async () => {
    writeFileSync(policyFile, policy().replace("rows: 50", "rows: 50, rate: 2/h"));
    const served = await serve("shop");
    try {
      assert.match(await served.ask("query", { sql: "select 1 as x" }), /^x\n1\n/);
      assert.match(await served.ask("inspect", { object: "orders" }), /status/);
      assert.match(
        await served.ask("query", { sql: "select 1 as x" }),
        /^RATE_LIMITED: Role "analyst" allows 2 calls a hour, .*\nTry: Try again in \d+ s$/,
      );
    } finally {
      writeFileSync(policyFile, policy());
      await served.client.close();
    }
  });
});

describe("roles on the command line", () => {
  it("hold for query, export and inspect", async () => {
    const rows = await run(["query", "shop", "select email, status from customers, orders limit 1"]);
    assert.match(rows.stdout, /^email,status\n.\*\*\*,delivered\n$/);
    const file = await run(["export", "shop", "select email from customers where id < 3", "--to", "out.csv", "--overwrite"]);
    assert.equal(file.code, 0, file.stderr);
    assert.match(readFileSync(join(folder, "out.csv"), "utf8"), /^email\r?\n(.\*\*\*\r?\n){2}$/);
    assert.ok(!(await run(["inspect", "shop", "--format", "compact"])).stdout.includes("reviews"));
    const whole = await run(["export", "shop", "--table", "reviews", "--to", "r.csv"]);
    assert.notEqual(whole.code, 0);
  });

  it("refuse a policy that anybody may write, before anything is read", {
    skip: process.platform === "win32" && "Windows has no such permissions",
  }, async () => {
    chmodSync(policyFile, 0o666);
    try {
      const { code, stderr } = await run(["query", "shop", "select 1"]);
      assert.equal(code, 2);
      assert.match(stderr, /Cannot load the policy .*: anybody may write the file\nTry: .*chmod o-w/);
    } finally {
      chmodSync(policyFile, 0o600);
    }
  });
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import activate from "../../plugins/sqlite/plugin.ts";
import { tempFolder } from "../support/binary.ts";
import { memoryDriver } from "../support/memory-driver.ts";
import { shopDatabase } from "../support/shop.ts";
import { writeApp, writer } from "../support/write-app.ts";

const [driver = assert.fail("the plugin has a driver")] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
const open: { close(): Promise<void> }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

/** A shop of fifty orders, with an app over it. */
async function shop(policy: string, write = true) {
  const path = shopDatabase(tempFolder(), 50);
  const app = await writeApp(driver, path, policy, write);
  open.push(app);
  /** Everything that is in the file. */
  const state = (): string => {
    const db = new DatabaseSync(path, { readOnly: true });
    const tables = db.prepare("select name, sql from sqlite_master order by name").all();
    const rows = tables.map(({ name }) => (String(name).startsWith("orders_") ? [] : db.prepare(`select * from "${name}"`).all()));
    db.close();
    return JSON.stringify([tables, rows]);
  };
  return { ...app, state, path };
}

const ddl = "[{ connection: shop, access: schema }]";

describe("the execute tool", () => {
  const cases: readonly (readonly [string, string, boolean, boolean])[] = [
    ["there is no policy", "", true, false],
    ["roles only read", writer("", "[{ connection: shop, access: read }]"), true, false],
    ["the connection is not open for writing", writer(), false, false],
    ["a rule takes every write back", writer("", "[{ access: write }, { access: none, verbs: [insert, update, delete] }]"), true, false],
    ["the roles' tools leave it out", writer("    tools: [query, inspect]\n"), true, false],
    ["a role may write", writer(), true, true],
    ["a role may insert into one table", writer("", "[{ access: read }, { table: orders, verbs: [insert] }]"), true, true],
    ["a role may change the schema alone", writer("", "[{ verbs: [ddl] }]"), true, true],
  ];
  for (const [when, policy, write, there] of cases) {
    it(`is ${there ? "there" : "absent"} when ${when}`, async () => {
      const { tools, ask } = await shop(policy, write);
      assert.equal(tools.includes("execute"), there);
      if (!there) await assert.rejects(ask("delete from orders where id = 1"), { code: "NOT_FOUND" });
    });
  }

  it("runs a write and says what it did to how many rows", async () => {
    const { execute, query } = await shop(writer());
    assert.equal(await execute("update customers set city = ? where id < 3", { params: ["Oslo"] }), "-- done: update, 2 rows of customers");
    assert.equal(await execute("delete from orders where id = 7"), "-- done: delete, 1 row of orders");
    assert.equal(await query("select city from customers order by id limit 2"), "city\nOslo\nOslo\n");
  });

  it("shows what a statement returns, and changes all its rows however few are shown", async () => {
    const { execute, query } = await shop(writer("    limits: { rows: 2 }\n"));
    assert.equal(
      await execute("update orders set amount = 1 where id <= 30 returning id"),
      "-- returned, 2 of 30 rows:\nid\n1\n2\n-- done: update, 30 rows of orders",
    );
    assert.equal(await query("select count(*) as n from orders where amount = 1"), "n\n30\n");
  });

  it("does not run what only reads, and says which tool does", async () => {
    const { ask } = await shop(writer());
    await assert.rejects(ask("select * from orders"), { code: "INPUT_INVALID", hint: "Send it with query" });
    await assert.rejects(ask("with o as (select * from orders) select count(*) from o"), { code: "INPUT_INVALID" });
  });

  it("runs changes of the schema only where they are granted", async () => {
    const writing = await shop(writer());
    await assert.rejects(writing.ask("create table fresh (id integer)"), { code: "POLICY_DENIED" });
    const { execute, ask, query } = await shop(writer("", ddl));
    assert.equal(await execute("create table fresh (id integer)"), "-- done: create");
    assert.equal(await execute("drop view big_orders"), "-- done: drop big_orders");
    assert.equal(await query("select count(*) as n from fresh"), "n\n0\n");
    for (const sql of ["vacuum", "attach 'x.db' as x", "pragma journal_mode = off", "begin"])
      await assert.rejects(ask(sql), { code: "POLICY_DENIED" }, sql);
  });

  it("refuses two statements, and functions that nobody reviewed", async () => {
    const { ask, state } = await shop(writer());
    const before = state();
    await assert.rejects(ask("delete from orders where id = 1; delete from orders where id = 2"), { code: "SQL_INVALID" });
    await assert.rejects(ask("update customers set name = load_extension('x') where id = 1"), { code: "POLICY_DENIED" });
    await assert.rejects(ask("insert into customers select 9, writefile('/tmp/x', name), null from customers"));
    assert.equal(state(), before);
  });

  it("writes masked values where it reads masked columns, and nothing into tables that are masked", async () => {
    const { execute, ask, query } = await shop(
      writer("", "[{ connection: shop, access: schema }, { table: customers, column: name, mask: redact }]"),
    );
    await execute("create table notes (body text)");
    await execute("insert into notes select name from customers");
    assert.equal(await query("select distinct body from notes"), "body\n***\n");
    for (const sql of [
      "update customers set city = 'x' where id = 1 returning name",
      "update customers set city = name where id = 1",
      "delete from customers where name like 'A%'",
    ])
      await assert.rejects(ask(sql, { dry_run: true }), { code: "POLICY_DENIED" }, sql);
  });

  it("is refused to who may not see the table they may add to", async () => {
    const { ask } = await shop(writer("", "[{ table: customers, access: read }, { table: orders, verbs: [insert] }]"));
    await assert.rejects(ask("insert into orders (id, customer_id) values (99, 1) returning *", { dry_run: true }));
    await assert.rejects(ask("insert into orders (id, customer_id) values (99, 1)", { dry_run: true }));
  });
});

describe("an update or delete without a where", () => {
  const all = ["delete from orders", "update orders set amount = 0", "DELETE FROM orders RETURNING (select 1 where 1)"];
  const hidden = [
    "with w as (select 1 as x where 1 = 1) delete from orders",
    "update orders set amount = (select 1 where 1 = 1)",
    "delete from orders -- where id = 1",
    "update orders set placed_at = 'where'",
  ];
  it("is refused, wherever else the word stands", async () => {
    const { ask, state } = await shop(writer());
    const before = state();
    for (const sql of [...all, ...hidden])
      for (const more of [{}, { dry_run: true }])
        await assert.rejects(ask(sql, more), { code: "POLICY_DENIED", message: /has no where/ }, sql);
    assert.equal(state(), before);
  });

  it("runs when a role says so, unless another wants a where", async () => {
    const { execute } = await shop(writer("    whereRequired: false\n"));
    assert.equal(await execute("delete from orders"), "-- done: delete, 50 rows of orders");
    const { ask } = await shop(`${writer("    whereRequired: false\n    inherits: [strict]\n")}  strict: { whereRequired: true }\n`);
    await assert.rejects(ask("delete from orders"), { code: "POLICY_DENIED" });
  });

  it("is not what an insert, an upsert or a change of the schema is", async () => {
    const { execute } = await shop(writer("", ddl));
    const upsert = "insert into customers values (1, 'Ann', 'Rome') on conflict (id) do update set name = excluded.name";
    assert.equal(await execute(upsert), "-- done: insert, 1 row of customers");
    assert.equal(await execute("drop table orders"), "-- done: drop orders");
  });
});

describe("the most rows a write may change", () => {
  it("takes a write back that changes more", async () => {
    const { ask, execute, state } = await shop(writer("    limits: { affectedRows: 10 }\n"));
    const before = state();
    for (const more of [{}, { dry_run: true }])
      await assert.rejects(ask("update orders set amount = 0 where id > 5", more), {
        code: "LIMIT_EXCEEDED",
        message: /45 rows.*allow 10/,
      });
    assert.equal(state(), before);
    assert.equal(await execute("update orders set amount = 0 where id <= 10"), "-- done: update, 10 rows of orders");
  });
});

describe("the record of a write", () => {
  it("holds what came of it", async () => {
    const { execute, ask, app } = await shop(writer());
    await execute("update orders set amount = 1 where id < 4");
    await execute("update orders set amount = 1 where id < 5", { dry_run: true });
    await ask("delete from orders where id = 9", {}, {});
    await assert.rejects(ask("delete from orders where id = 9", {}, { answer: { said: "no" } }));
    await ask("delete from orders where id = 9", {}, { answer: { said: "yes", rows: 1 } });
    const { folder } = app.config.audit;
    const records = readdirSync(folder)
      .flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n"))
      .map((line) => JSON.parse(line))
      .map((line) => line.record ?? line)
      .filter(({ action }) => action === "execute")
      .map(({ kind, affectedRows, dryRun, consent, outcome }) => ({ kind, affectedRows, dryRun, consent, outcome }));
    assert.deepEqual(JSON.parse(JSON.stringify(records)), [
      { kind: "write", affectedRows: 3, outcome: "ok" },
      { kind: "write", dryRun: true, outcome: "ok" },
      { kind: "write", consent: "asked", outcome: "ok" },
      { consent: "no", outcome: "FORBIDDEN" },
      { kind: "write", affectedRows: 1, consent: "yes", outcome: "ok" },
    ]);
  });
});

describe("a write on an engine", () => {
  const columns = [{ name: "n", type: "int", nativeType: "" }] as const;
  it("is read to its end, and tried in a transaction that is rolled back whatever happens", async () => {
    const rows = Array.from({ length: 5000 }, (_, n) => [n]);
    const { driver: memory, log } = memoryDriver({
      "insert many": { columns, rows, kind: "write" },
      "insert failing": {
        columns,
        rows,
        kind: "write",
        beforeBatch: async () => Promise.reject(Object.assign(new Error(), { code: "DEAD" })),
      },
    });
    // Without an analysis no role could let it through: who opens the gate at the command line does.
    const { app, signal, close } = await writeApp(memory, "memory:x", "");
    const caller = { principal: app.principal, signal, span: app.telemetry.root("verb", "query") };
    const done = await app.execute({ sql: "insert many" }, caller);
    assert.match("text" in done ? done.text : "", /^-- returned, 100 of 5000 rows:/);
    assert.equal(log.stopped, 0);
    log.ran.length = 0;
    await app.execute({ sql: "insert many", dryRun: true }, caller);
    await assert.rejects(app.execute({ sql: "insert failing", dryRun: true }, caller), { code: "CONNECTION_FAILED" });
    const own = log.ran.filter((entry) => entry !== "reset");
    assert.deepEqual(own, ["begin", "insert many", "rollback", "begin", "insert failing", "rollback"]);
    await close();
  });

  it("cannot be tried where there are no transactions", async () => {
    const { driver: memory, log } = memoryDriver({ "insert one": { columns, rows: [], kind: "write" } });
    const bare = {
      ...memory,
      connect: async (...asked: Parameters<typeof memory.connect>) => ({ ...(await memory.connect(...asked)), begin: undefined }),
    };
    const { app, signal, close } = await writeApp(bare as never, "memory:x", "");
    const caller = { principal: app.principal, signal, span: app.telemetry.root("verb", "query") };
    await assert.rejects(app.execute({ sql: "insert one", dryRun: true }, caller), { code: "UNSUPPORTED" });
    assert.ok(!log.ran.includes("insert one"));
    await close();
  });
});

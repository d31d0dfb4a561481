import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "../../core/app.ts";
import type { AuditFacts } from "../../core/audit/call.ts";
import type { Driver } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import type { FederatedInput } from "../../core/query/federate.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import { createConfigFolder, problemOf } from "../support/config-folder.ts";

const inThisProcess = (driver: Driver) => async () => ({
  default: () => ({ drivers: [{ ...driver, facts: { ...driver.facts, blocking: false } }] }),
});

/** An app with a SQLite database, `shop`, and a folder of CSV files, `lists`. */
async function openApp(env: Readonly<Record<string, string>> = {}, policy = "") {
  const folder = createConfigFolder();
  const shop = join(folder.project, "shop.db");
  const database = new DatabaseSync(shop);
  database.exec(`create table orders (id integer primary key, person integer, state text, total decimal(12,2), note text);
    insert into orders with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
      select i, i % 50, case when i % 7 = 0 then 'open' else 'paid' end, i * 0.25, 'note ' || i from n;
    create table odd ("a b" integer, "Ä" text, big integer);
    insert into odd values (1, 'x''y', 9223372036854775807), (null, '', -9223372036854775808)`);
  for (let n = 1; n <= 9; n++) database.exec(`create table t${n} as select ${n} as n`);
  database.exec("create view broken as select id, abs(-9223372036854775807 - id) as x from orders");
  database.close();
  folder.write("project/lists/people.csv", "id,name,city\n1,Ann,Lisbon\n2,Bob,Porto\n3,Cy,Lisbon\n77,Dee,\n");
  folder.write("project/lists/cities.csv", "city,country\nLisbon,Portugal\nPorto,Portugal\n");
  const path = folder.write("policy.yaml", policy);
  chmodSync(path, 0o600);
  const settings = { TIDEGATE_TELEMETRY_TRACES: "off", TIDEGATE_STATE_DIR: folder.path("state"), ...env };
  const app: App = await createApp({
    config: await folder.load({ env: { ...settings, ...(policy !== "" && { TIDEGATE_POLICY_FILE: path }) } }),
    connections: [
      { name: "shop", target: shop, folder: folder.project, write: false },
      { name: "lists", target: join(folder.project, "lists"), folder: folder.project, write: false },
    ],
    bundled: { duckdb: inThisProcess(createDuckdbDriver()), sqlite: inThisProcess(createSqliteDriver({ log: () => undefined })) },
    seatCommand: [],
    env: {},
    version: "0",
  });
  const noted: AuditFacts = {};
  const caller = (signal = new AbortController().signal) => ({
    principal: app.principal,
    signal,
    span: app.telemetry.root("verb", "query"),
    note: (facts: AuditFacts) => void Object.assign(noted, facts),
  });
  const federator = await app.federator();
  return {
    noted,
    explain: (sql: string) => federator.explain({ sql }, caller()),
    async rows(input: string | FederatedInput, signal?: AbortSignal, maxRows?: number): Promise<Value[][]> {
      await using rows = await federator.rows(typeof input === "string" ? { sql: input } : input, caller(signal), maxRows);
      const all: Value[][] = [];
      for await (const { columns, length } of rows)
        for (let row = 0; row < length; row++) all.push(columns.map((column) => column[row] as Value));
      return all;
    },
    stream: (sql: string) => federator.rows({ sql }, caller()),
    /** What is left of the parts. */
    left: () => (existsSync(folder.path("state/results")) ? readdirSync(folder.path("state/results")) : []),
    async close() {
      await app.close();
      folder.remove();
    },
  };
}

const joined = `select p.name, count(*) as n, sum(o.total) as total from shop.orders o join lists.people p on p.id = o.person
  where o.state = 'open' and p.city = 'Lisbon' group by all order by name`;

describe("a statement over a database and files", () => {
  let app: Awaited<ReturnType<typeof openApp>>;
  before(async () => {
    app = await openApp();
  });
  after(() => app.close());

  it("is answered as if all were one database", async () => {
    const expected = [1, 3].map((person) => {
      const ids = Array.from({ length: 5000 }, (_, index) => index + 1).filter((id) => id % 50 === person && id % 7 === 0);
      return [person === 1 ? "Ann" : "Cy", ids.length, ids.reduce((sum, id) => sum + id * 0.25, 0)];
    });
    const rows = await app.rows(joined);
    assert.deepEqual(
      rows.map(([name, n, total]) => [name, Number(n), Number(total)]),
      expected,
    );
  });

  it("tells what each is asked, and asks nothing", async () => {
    const lines = (await app.explain(joined)).split("\n");
    assert.deepEqual(lines.slice(0, 4), [
      `shop is asked: select "person", "state", "total" from "orders" where "state" = 'open'`,
      "  as shop.orders: 3 of 5 columns, 1 condition",
      `lists is asked: select "id", "name", "city" from "people" where "city" = 'Lisbon'`,
      "  as lists.people: 3 of 3 columns, 1 condition",
    ]);
    assert.match(lines[4] ?? "", /^DuckDB joins: select p\.name/);
    assert.deepEqual(app.left(), []);
  });

  it("keeps exact values, odd names, NULL and empty text", async () => {
    const rows = await app.rows(
      'select odd."a b", odd."Ä", big, typeof(big) from shop.odd left join lists.cities c on c.city = "Ä" order by 1',
    );
    assert.deepEqual(rows, [
      [1, "x'y", 9223372036854775807n, "BIGINT"],
      [null, "", -9223372036854775808n, "BIGINT"],
    ]);
  });

  it("takes parameters, and more tables of one connection than it has sessions", async () => {
    const input = {
      sql: "select name from lists.people join lists.cities using (city) where country = $1 and id < $2 order by 1",
      params: ["Portugal", 3],
    };
    assert.deepEqual(await app.rows(input), [["Ann"], ["Bob"]]);
    const many = Array.from({ length: 9 }, (_, at) => `(select n from shop.t${at + 1})`);
    assert.deepEqual(await app.rows(`select ${many.join(" + ")}`), [[45]]);
  });

  it("stops at a row limit, and early when its reader does", async () => {
    assert.equal((await app.rows("select * from shop.orders, lists.people", undefined, 7)).length, 7);
    const stream = await app.stream("select * from shop.orders a, shop.orders b");
    for await (const { length } of stream) {
      assert.ok(length > 0);
      break;
    }
    await stream[Symbol.asyncDispose]();
    assert.deepEqual(app.left(), []);
  });

  it("fails with the reason, the place and a name that is near", async () => {
    const missing = await problemOf(app.rows("select totl from shop.orders"));
    assert.equal(missing.code, "SQL_INVALID");
    assert.match(`${missing.message} ${missing.hint}`, /"totl" does not exist \(line 1, column 8\) Did you mean "shop.orders.total"/);
    const table = await problemOf(app.rows("select * from lists.peple"));
    assert.deepEqual(
      [table.code, table.message, table.hint],
      ["NOT_FOUND", 'No table or view is called "peple" on connection "lists"', 'Did you mean "people"?'],
    );
    const broken = await problemOf(app.rows("select * from lists.people, shop.broken"));
    assert.match(broken.message, /\(while reading shop\.broken\)$/);
    const late = await problemOf(app.rows("select cast(note as int) from shop.orders"));
    assert.equal(late.code, "SQL_INVALID");
    assert.deepEqual(app.left(), []);
  });

  it("stops when the caller leaves, and when its time is over", async () => {
    const endless =
      "select count(*) from shop.orders a, shop.orders b, shop.orders c, shop.orders d where a.total + b.total + c.total = d.total";
    const leaving = new AbortController();
    const running = problemOf(app.rows(endless, leaving.signal));
    setTimeout(() => leaving.abort(), 300);
    assert.equal((await running).code, "CANCELLED");
    assert.equal((await problemOf(app.rows({ sql: endless, maxMillis: 300 }))).code, "TIMEOUT");
    assert.deepEqual(app.left(), []);
  });

  it("is recorded as one call on all its connections", async () => {
    await app.rows(joined);
    const { connection, objects, rows, kind, access } = app.noted;
    assert.deepEqual(
      { connection, objects, rows, kind, access },
      {
        connection: "shop, lists",
        objects: ["shop: main.orders", "lists: main.people"],
        rows: 2,
        kind: "read",
        access: "read",
      },
    );
  });
});

describe("a part that is too large to be whole", () => {
  it("is refused by name, rather than joined without the rest", async () => {
    const app = await openApp({ TIDEGATE_RESULTS_MAX_ROWS: "1000" });
    try {
      const { code, message, hint } = await problemOf(app.rows("select count(*) from shop.orders join lists.people on people.id = person"));
      assert.equal(code, "LIMIT_EXCEEDED");
      assert.equal(message, "Too many rows of shop.orders are needed to join them: results.maxRows does not let them all through");
      assert.match(hint ?? "", /Add conditions on shop\.orders/);
      assert.deepEqual(await app.rows("select count(*) from shop.orders where person = 3"), [[100]]);
      assert.deepEqual(app.left(), []);
    } finally {
      await app.close();
    }
  });
});

describe("a part that a policy cuts", () => {
  it("is refused too", async () => {
    const app = await openApp({}, "version: 1\ndefault: [r]\nroles: { r: { rules: [{ access: read }], limits: { rows: 100 } } }");
    try {
      const { code, message } = await problemOf(app.rows("select count(*) from shop.orders"));
      assert.deepEqual(
        [code, message],
        ["LIMIT_EXCEEDED", "Too many rows of shop.orders are needed to join them: limits.rows of your role does not let them all through"],
      );
      assert.deepEqual(await app.rows("select count(*) from shop.orders where id <= 100"), [[100]]);
    } finally {
      await app.close();
    }
  });
});

describe("a statement over several connections, under a policy", () => {
  const policy = `version: 1
default: [clerk]
roles:
  clerk:
    rules:
      - { access: read }
      - { connection: lists, table: cities, access: none }
      - { connection: shop, table: orders, column: note, mask: redact }
      - { connection: shop, table: orders, column: total, access: none }
      - { connection: shop, table: orders, where: "person < 10" }
`;
  let app: Awaited<ReturnType<typeof openApp>>;
  before(async () => {
    app = await openApp({}, policy);
  });
  after(() => app.close());

  it("sees of every table what the caller may see", async () => {
    assert.deepEqual(await app.rows("select max(person), min(note), max(note) from shop.orders"), [[9, "***", "***"]]);
    assert.equal((await problemOf(app.rows("select total from shop.orders"))).code, "SQL_INVALID");
    assert.equal((await problemOf(app.rows("select * from lists.cities"))).code, "NOT_FOUND");
    const [row = []] = await app.rows("select * from shop.orders limit 1");
    assert.equal(row.length, 4);
    assert.match(
      await app.explain("select person, note from shop.orders"),
      /policy: orders\.note is masked \(redact\); rows of orders are filtered/,
    );
  });

  it("filters by what the caller may see, on its connection too", async () => {
    assert.deepEqual(await app.rows("select count(*) from shop.orders where note = 'note 5'"), [[0]]);
    assert.deepEqual(await app.rows("select count(*) from shop.orders where note = '***' and person = 5"), [[100]]);
  });
});

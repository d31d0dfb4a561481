import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { demoCommands, shellWord } from "../../core/demo/commands.ts";
import { createDemo, type DemoReport } from "../../core/demo/demo.ts";
import { Problem } from "../../core/problem.ts";

const base = mkdtempSync(join(tmpdir(), "tidegate-demo-"));
after(() => rmSync(base, { recursive: true, force: true }));

const make = (folder: string, signal: AbortSignal = AbortSignal.timeout(60_000)): Promise<DemoReport> => createDemo({ folder, signal });
const visible = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .sort();
const produced = ["customers.csv", "order_items.parquet", "orders.parquet", "products.parquet", "shop.db"];

/** Every row of every table in key order, so that equal hashes mean equal content. */
function contentHash(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const hash = createHash("sha256");
  for (const [table, key] of [
    ["customers", "id"],
    ["products", "id"],
    ["orders", "id"],
    ["order_items", "order_id, line"],
    ["reviews", "id"],
  ]) {
    for (const row of database.prepare(`SELECT * FROM ${table} ORDER BY ${key}`).all()) hash.update(JSON.stringify(row));
  }
  database.close();
  return hash.digest("hex");
}

function refusal(code: string, message: RegExp) {
  return (error: unknown) => error instanceof Problem && error.code === code && message.test(error.message) && error.hint !== undefined;
}

describe("the demo", () => {
  const folder = join(base, "first");
  const again = join(base, "again");
  let report: DemoReport;
  let database: DatabaseSync;
  before(async () => {
    report = await make(folder);
    database = new DatabaseSync(join(folder, "shop.db"), { readOnly: true });
  });
  after(() => database.close());
  const value = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];

  it("holds what it says it holds, more than 100,000 rows", () => {
    assert.ok(report.rows >= 100_000);
    for (const { name, rows } of report.tables) assert.equal(value(`SELECT count(*) FROM ${name}`), rows);
    assert.deepEqual(visible(folder), produced);
    for (const { name, bytes } of report.files) assert.equal(readFileSync(join(folder, name)).length, bytes);
  });

  it("is sound: every key points at a row, and the file is intact", () => {
    assert.deepEqual(database.prepare("PRAGMA foreign_key_check").all(), []);
    assert.equal(value("PRAGMA integrity_check"), "ok");
    assert.equal(value("SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id WHERE ordered_at < c.created_at"), 0);
  });

  it("has what real data has: gaps, seasons, a long tail, and text that breaks careless tools", () => {
    assert.ok(Number(value("SELECT count(*) FROM orders WHERE shipped_at IS NULL")) > 1000);
    assert.ok(
      Number(value("SELECT revenue FROM monthly_revenue WHERE month = '2025-12'")) >
        Number(value("SELECT revenue FROM monthly_revenue WHERE month = '2025-02'")) * 1.3,
    );
    const most = Number(value("SELECT count(*) AS n FROM order_items GROUP BY product_id ORDER BY n DESC LIMIT 1"));
    assert.ok(most > (10 * Number(value("SELECT count(*) FROM order_items"))) / 320);
    for (const text of ["%,%", '%"%', "%'%", "%\n%", "%❤️%", "%丁寧%"])
      assert.ok(
        Number(
          value(`SELECT count(*) FROM reviews WHERE title LIKE '${text.replace("'", "''")}' OR body LIKE '${text.replace("'", "''")}'`),
        ) > 0,
        text,
      );
    assert.ok(Number(value("SELECT count(*) FROM customers WHERE name GLOB '*[^ -~]*'")) > 1000);
    assert.equal(value("SELECT count(*) FROM customers WHERE email GLOB '*[^a-z0-9.@]*' OR email NOT LIKE '%@example.___'"), 0);
  });

  it("leaves no half-made file when it is stopped", async () => {
    const stop = AbortSignal.abort(new Problem({ code: "CANCELLED", message: "Cancelled" }));
    await assert.rejects(make(again, stop), (error) => error instanceof Problem && error.code === "CANCELLED");
    assert.deepEqual(visible(again), []);
  });

  it("is the same every time, and replaces an earlier one without touching what else is there", async () => {
    writeFileSync(join(again, "mine.txt"), "kept");
    writeFileSync(join(again, "shop.db"), "damaged");
    writeFileSync(join(again, "shop.db-wal"), "left by a reader");
    await make(again);
    assert.equal(contentHash(join(again, "shop.db")), contentHash(join(folder, "shop.db")));
    assert.deepEqual(readFileSync(join(again, "customers.csv")), readFileSync(join(folder, "customers.csv")));
    assert.deepEqual(visible(again), [...produced, "mine.txt"].sort());
    assert.deepEqual(
      readdirSync(again).filter((name) => name.startsWith(".tidegate-demo-")),
      [],
    );
  });

  it("has the same orders in its Parquet files, with exact decimals and real times", async () => {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const file = (name: string) => `'${join(folder, `${name}.parquet`)}'`;
    const reader = await connection.runAndReadAll(
      `SELECT count(*)::VARCHAR, sum(quantity * unit_price)::VARCHAR, max(ordered_at)::VARCHAR, count(shipped_at)::VARCHAR, any_value(typeof(unit_price))
       FROM ${file("order_items")} JOIN ${file("orders")} o ON o.id = order_id JOIN ${file("products")} p ON p.id = product_id`,
    );
    const inSqlite = database.prepare(
      "SELECT count(*) AS n, sum(quantity * round(unit_price * 100)) AS cents, max(ordered_at) AS last, count(shipped_at) AS shipped FROM order_items JOIN orders o ON o.id = order_id",
    );
    const { n, cents, last, shipped } = inSqlite.get() ?? {};
    assert.deepEqual(reader.getRows(), [[String(n), (Number(cents) / 100).toFixed(2), last, String(shipped), "DECIMAL(10,2)"]]);
    connection.closeSync();
    instance.closeSync();
  });

  it("refuses a folder that holds other things, and leaves it as it was", async () => {
    const taken = join(base, "taken");
    mkdirSync(taken);
    writeFileSync(join(taken, "thesis.doc"), "years of work");
    await assert.rejects(make(taken), refusal("CONFLICT", /taken": the folder holds other files$/));
    assert.deepEqual(readdirSync(taken), ["thesis.doc"]);
    await assert.rejects(make(join(taken, "thesis.doc")), refusal("INPUT_INVALID", /in the way$/));
  });
});

describe("the commands of the demo", () => {
  it("are five, and quote what a shell would split", () => {
    const lines = demoCommands({ folder: "/home/ann/my demo's", shown: "./my demo's", binary: "tidegate" }).map(({ line }) => line);
    assert.equal(lines.length, 5);
    assert.ok(lines[0]?.startsWith("tidegate query 'my demo'\\''s/shop.db' 'select country"));
    assert.ok(lines[4]?.endsWith("serve --connection 'shop=/home/ann/my demo'\\''s/shop.db'"));
  });

  it("leave plain words bare", () => {
    assert.equal(shellWord("./demo/shop.db", "linux"), "./demo/shop.db");
    assert.equal(shellWord("C:\\my demo\\shop.db", "win32"), '"C:\\my demo\\shop.db"');
    assert.equal(shellWord("", "linux"), "''");
    assert.equal(shellWord("$(reboot)", "linux"), "'$(reboot)'");
  });
});

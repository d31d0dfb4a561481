import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { tempFolder, tidegate } from "../support/binary.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, freePort, type PostgresServer, startPostgres } from "../support/services-postgres.ts";
import { shopDatabase } from "../support/shop.ts";

const root = resolve(import.meta.dirname, "../..");
const env = { TIDEGATE_PLUGIN_REGISTRY: join(root, "dist/plugins") };
const postgres = findPostgres();
const absence = typeof postgres === "string" ? mariaDbAbsence() : postgres.absent;

describe("a statement over SQLite, PostgreSQL, MariaDB and files", { skip: absence ?? false }, () => {
  const folder = tempFolder();
  let books: PostgresServer;
  let stock: MariaDb;
  let connections: string[];
  const run = (...args: string[]) => tidegate(["query", ...connections, ...args], { cwd: folder, env });
  const left = () => (existsSync(join(folder, "state/results")) ? readdirSync(join(folder, "state/results")) : []);

  before(async () => {
    execFileSync(process.execPath, [join(root, "scripts/build-plugins.ts"), "postgres", "mysql"], { cwd: root, stdio: "pipe" });
    [books, stock] = await Promise.all([startPostgres(postgres as string), startMariaDb()]);
    books.psql("create schema ledger", "postgres");
    books.psql(
      `create table ledger.invoices (id bigint primary key, customer_id int, state varchar(10), total numeric(30,10), due date, sent timestamp, code char(4));
       insert into ledger.invoices select n, 1 + n % 3, case n % 4 when 0 then 'open' else 'paid' end, n * 1.0000000001, date '2024-01-01' + n, timestamp '2024-01-01' + n * interval '1 hour', 'A' || n % 10
       from generate_series(1, 2000) n; insert into ledger.invoices values (9007199254740993, 1, 'open', 12345678901234567890.0123456789, 'infinity', null, 'it''s')`,
      "postgres",
    );
    stock.run("create database shop");
    stock.run(
      `create table shop.parts (invoice_id bigint, name varchar(20) collate utf8mb4_general_ci, packed datetime, price decimal(10,2), place varchar(9) character set latin1)`,
    );
    stock.run(
      "insert into shop.parts values (4, 'Bolt', '2024-03-01 00:00:00', 0.10, 'Köln'), (8, 'bolt', '2024-03-02 10:00:00', 0.20, 'Bonn'), (9007199254740993, 'Nut', '2024-03-01 00:00:01', 99999999.99, ''), (12, null, null, null, null)",
    );
    stock.run("create user ann@'%' identified by 'open-sesame'; grant select on shop.* to ann@'%'");
    mkdirSync(join(folder, "lists"));
    writeFileSync(join(folder, "lists/cities.csv"), "city,country\nLisbon,Portugal\nPorto,Portugal\n");
    const targets = {
      shop: shopDatabase(folder),
      books: `postgres://tidegate:${books.password}@127.0.0.1:${books.port}/postgres?sslmode=disable`,
      stock: `mysql://ann:open-sesame@127.0.0.1:${stock.port}/shop`,
      lists: join(folder, "lists"),
    };
    connections = Object.entries(targets).flatMap(([name, target]) => ["--connection", `${name}=${target}`]);
    for (const name of ["postgres", "mysql"]) {
      const installed = await tidegate(["plugin", "install", name, "--yes"], { cwd: folder, env });
      assert.equal(installed.code, 0, installed.stderr);
    }
  });
  after(async () => {
    await Promise.all([books?.stop(), stock?.stop()]);
  });

  const four = `select c.name, p.name as part, i.total, p.price, l.country from books.ledger.invoices i
    join stock.parts p on p.invoice_id = i.id and p.price > 0.1
    join shop.customers c on c.id = i.customer_id
    left join lists.cities l on l.city = c.city
    where i.state = 'open' and i.id >= 4 and p.packed >= '2024-03-01' order by i.id`;

  it("joins them, exactly", async () => {
    const { stdout, stderr, code } = await run(four);
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout,
      [
        "name,part,total,price,country",
        '"Chloé, ""the"" third",bolt,8.0000000008,0.20,',
        "Ana,Nut,12345678901234567890.0123456789,99999999.99,Portugal",
        "",
      ].join("\n"),
    );
    assert.deepEqual(left(), []);
  });

  it("asks each for what is needed only", async () => {
    const { stdout, stderr, code } = await run("--explain", four);
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.includes(" is asked: ")),
      [
        `books is asked: select "id", "customer_id", "state", "total" from "ledger"."invoices" where "state" = 'open' and "id" >= 4`,
        "stock is asked: select `invoice_id`, `name`, `packed`, `price` from `shop`.`parts` where `packed` >= '2024-03-01 00:00:00' and `price` > 0.1",
        `shop is asked: select "id", "name", "city" from "customers"`,
        `lists is asked: select "city", "country" from "cities"`,
      ],
    );
  });

  it("means by a condition what the joining engine means by it, wherever it is applied", async () => {
    const same = {
      "select count(*) as n from stock.parts where name = 'bolt'": 1,
      "select count(*) as n from stock.parts where name is null": 1,
      "select count(*) as n from stock.parts where packed = '2024-03-01'": 1,
      "select count(*) as n from stock.parts where place = 'Köln'": 1,
      "select count(*) as n from stock.parts where place in ('Köln', '東京')": 1,
      "select count(*) as n from books.ledger.invoices where code = 'it''s'": 1,
      "select count(*) as n from books.ledger.invoices where due > '9999-12-31'": 1,
      "select count(*) as n from books.ledger.invoices where sent < '2024-01-01 05:00:00'": 4,
      "select count(*) as n from books.ledger.invoices where total > 12345678901234567890": 1,
      "select count(*) as n from shop.orders where amount = 1.5 or id = 2": 2,
    };
    for (const [sql, n] of Object.entries(same)) {
      const { stdout, stderr } = await run(sql);
      assert.equal(stdout, `n\n${n}\n`, `${sql}: ${stderr}`);
    }
  });

  it("takes the SQL from standard input, parameters, and any format of a query", async () => {
    const sql = "select i.id, c.name from books.ledger.invoices i, shop.customers c where c.id = i.customer_id and i.id = $1";
    const { stdout, stderr } = await tidegate(["query", ...connections, "-p", "7", "--format", "ndjson"], { cwd: folder, env, stdin: sql });
    assert.deepEqual(JSON.parse(stdout), { id: 7, name: "Bo" }, stderr);
  });

  it("takes connections of the configuration by their names", async () => {
    const [lists] = connections.filter((text) => text.startsWith("lists="));
    const yaml = `connections:\n  cities: { url: ${lists?.slice("lists=".length)} }\n`;
    writeFileSync(join(folder, "tidegate.yaml"), yaml);
    const sql = "select country from cities.cities c join shop.customers on c.city = customers.city";
    const { stdout, stderr } = await run("--connection", "cities", sql);
    assert.equal(stdout, "country\nPortugal\n", stderr);
    const twice = await run("--connection", "shop=cities", sql);
    assert.equal(twice.code, 2, twice.stderr);
  });

  it("names the side that fails, and leaves nothing behind", async () => {
    const gone = `gone=postgres://a:canary@127.0.0.1:${await freePort()}/x?sslmode=disable`;
    const away = await run("--connection", gone, "select * from gone.t join shop.orders using (id)");
    assert.equal(away.code, 6, away.stderr);
    assert.doesNotMatch(away.stderr, /canary/);
    const missing = await run("select * from books.ledger.invoice join shop.orders using (id)");
    assert.equal(missing.code, 3);
    assert.match(missing.stderr, /called "ledger\.invoice" on connection "books"\nTry: Did you mean "ledger\.invoices"/);
    const large = await tidegate(["query", ...connections, "select count(*) from books.ledger.invoices"], {
      cwd: folder,
      env: { ...env, TIDEGATE_RESULTS_MAX_ROWS: "1000" },
    });
    assert.equal(large.code, 3, large.stdout);
    assert.match(large.stderr, /Too many rows of books\.invoices .*results\.maxRows.*\nTry: Add conditions/);
    assert.deepEqual(left(), []);
  });

  it("reads, and nothing else", async () => {
    for (const sql of ["delete from shop.orders", "create table shop.x as select 1", "copy (select 1) to 'x.csv'"]) {
      const { code, stderr } = await run(sql);
      assert.equal(code, 4, `${sql}: ${stderr}`);
    }
    assert.equal((await run("--write", "select * from shop.orders")).code, 2);
    assert.equal((await run("shop.db", "select 1")).code, 2);
    const reaching = await run(`select * from shop.orders, read_csv('${join(folder, "lists/cities.csv")}')`);
    assert.equal(reaching.code, 4, reaching.stderr);
  });
});

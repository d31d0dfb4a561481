import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { smallDisk } from "../support/services-disk.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, freePort, type PostgresServer, startPostgres } from "../support/services-postgres.ts";
import { shopDatabase } from "../support/shop.ts";

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
  return { url: urlOf(server), stop: () => server.stop() };
}

const urlOf = ({ password, port }: PostgresServer) => `postgres://tidegate:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;

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
      execFileSync(process.execPath, [join(root, "scripts/build-plugins.ts"), "postgres", "mysql"], { cwd: root, stdio: "pipe" });
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

    it("leaves no half of a file when the disk it is exported to is full", async (test) => {
      const disk = smallDisk(2);
      if ("absent" in disk) return test.skip(disk.absent);
      try {
        // Noise, so that no format packs it into less than there is.
        const noise = Array.from({ length: 8 }, (_, n) => `md5(concat(a.n, b.n, c.n, d.n, e.n, ${n}))`).join(", ");
        const rows = `select ${noise} from ${["a", "b", "c", "d", "e"].map(digits).join(", ")}`;
        for (const format of ["csv", "ndjson", "xlsx", "parquet", "arrow"]) {
          const { code, stderr } = await run("export", server.url, rows, "--to", join(disk.folder, `all.${format}`), "--yes");
          assert.equal(code, 3, `${format}: ${stderr}`);
          assert.match(stderr, /Cannot write ".*": no space is left\nTry: Free disk space/);
          assert.deepEqual(readdirSync(disk.folder), []);
        }
      } finally {
        disk.remove();
      }
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

const digits = (name: string) => `(${Array.from({ length: 10 }, (_, n) => `select ${n} as n`).join(" union all ")}) ${name}`;

/** A session with `tidegate serve`, over the pipe that a client would use. */
function openSession(folder: string, connections: readonly string[]) {
  const args = ["serve", ...connections.flatMap((connection) => ["--connection", connection])];
  const env = { ...privateEnvironment(folder), TIDEGATE_PLUGIN_REGISTRY: registry };
  const child = spawn(binary, args, { cwd: folder, env, stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map<number, (answer: { readonly result?: unknown }) => void>();
  const ended = new Promise((resolve) => child.on("close", resolve));
  // Whoever still waits then hears that there is no result.
  void ended.then(() => waiting.forEach((hear) => void hear({})));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line);
    waiting.get(answer.id)?.(answer);
  });
  let last = 0;
  const ask = (method: string, params: object) => {
    const id = ++last;
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return new Promise<{ readonly result?: unknown }>((resolve) => waiting.set(id, resolve));
  };
  return {
    start: () => ask("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } }),
    call: async (tool: string, input: object) => JSON.stringify(await ask("tools/call", { name: tool, arguments: input })),
    async end() {
      child.stdin.end();
      return ended;
    },
  };
}

const needed = typeof absent === "string" ? false : absent.absent;

describe("tidegate serve, with databases that are away", { skip: needed }, () => {
  let server: PostgresServer;
  let session: ReturnType<typeof openSession>;
  before(async () => {
    const folder = tempFolder();
    server = await startPostgres(absent as string);
    await server.halt();
    for (const name of ["postgres", "mysql"]) {
      const installed = await tidegate(["plugin", "install", name, "--yes"], { cwd: folder, env: { TIDEGATE_PLUGIN_REGISTRY: registry } });
      assert.equal(installed.code, 0, installed.stderr);
    }
    const gone = `gone=mysql://ann:canary@127.0.0.1:${await freePort()}/shop`;
    session = openSession(folder, [`shop=${shopDatabase(folder)}`, `books=${urlOf(server)}`, gone]);
    await session.start();
  });
  after(async () => {
    await session?.end();
    await server?.stop();
  });

  const query = (connection: string, sql: string) => session.call("query", { connection, sql });
  const states = async () => {
    const text = await session.call("inspect", {});
    assert.doesNotMatch(text, new RegExp(`canary|${server.password}`));
    return text;
  };
  /** Asks until the answer is right: a call at the moment of a restart may fail, and says so. */
  const answered = async (connection: string, sql: string, wanted: RegExp) => {
    for (let tries = 0; tries < 50; tries++, await sleep(100)) {
      const text = await query(connection, sql);
      if (wanted.test(text)) return;
      assert.match(text, /CONNECTION_FAILED/);
    }
    assert.fail(`"${connection}" does not come back`);
  };

  it("starts, and answers from those that are there", async () => {
    assert.match(await query("shop", "select count(*) as n from customers"), /n\\n3/);
  });

  it("says of each that is away why, every time it is asked, and in inspect", async () => {
    assert.match(await query("books", "select 1"), /CONNECTION_FAILED/);
    assert.match(await query("gone", "select 1"), /CONNECTION_FAILED/);
    const text = await states();
    assert.match(text, /shop: SQLite/);
    assert.match(text, /books: PostgreSQL[^\\]*Cannot open/);
    assert.match(text, /gone: [^\\]*Cannot open/);
  });

  it("answers from a database that was started later, and says so", async () => {
    await server.start();
    await answered("books", "select 40 + 2 as n", /n\\n42/);
    const text = await states();
    assert.match(text, /books: PostgreSQL[^\\]*(open|read-only)/);
    assert.doesNotMatch(text, /books: PostgreSQL[^\\]*Cannot open/);
  });

  it("goes on by itself after a restart, and after a crash in the middle of a statement", async () => {
    await server.halt();
    await server.start();
    await answered("books", "select 40 + 3 as n", /n\\n43/);
    const cutShort = query(
      "books",
      "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3",
    );
    await sleep(200);
    await server.crash();
    assert.match(await cutShort, /CONNECTION_FAILED/);
    await server.start();
    await answered("books", "select 40 + 4 as n", /n\\n44/);
    assert.match(await query("shop", "select 1 as one"), /one\\n1/);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { optionNames, optionVariables } from "../../plugins/postgres/target/options.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, majorOf, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const guide = readFileSync(new URL("../../docs/drivers/postgres.md", import.meta.url), "utf8");
const blocks = [...guide.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = ""]) => sql);
const driver = createPostgresDriver();

describe("docs/drivers/postgres.md", () => {
  it("names every connection option and its variable, and no other", () => {
    const table = guide.slice(guide.indexOf("| option |"), guide.indexOf("`sslmode=prefer` protects"));
    const cells = table.split("\n").map((line) => line.split("|").map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word)));
    const named = (column: number) => cells.flatMap((row) => row[column] ?? []).sort();
    assert.deepEqual(named(1), [...optionNames].sort());
    assert.deepEqual(
      named(2),
      Object.values(optionVariables)
        .filter((name) => name !== undefined)
        .sort(),
    );
  });
});

describe("the role of docs/drivers/postgres.md", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(bin as string);
    server.psql("create table kept (x int); insert into kept values (1); create sequence counter");
  });
  after(() => server?.stop());

  const itReadsAll = typeof bin !== "string" || majorOf(bin) >= 14 ? it : it.skip;
  itReadsAll("reads everything (pg_read_all_data, since PostgreSQL 14) and writes nothing, also over a connection that would", async () => {
    const [whole = ""] = blocks;
    server.psql(whole);
    const login = { user: "tidegate_reader", password: { reveal: () => "change me" } };
    await using connection = await driver.connect(server.target("postgres", login), { signal: never, readOnly: true });
    assert.equal(await cellOf(connection, "select count(*) from kept"), 1);
    assert.equal((await connection.proveReadOnly(never)).state, "verified");
    await using writing = await driver.connect(server.target("postgres", login), { signal: never, readOnly: false });
    assert.equal(driver.diagnose(await rejection(rowsOf(writing, "insert into kept values (2)")))?.code, "FORBIDDEN");
  });

  it("reads one schema where that is all it should", async () => {
    const [whole = "", schema = ""] = blocks;
    server.psql("drop role if exists tidegate_reader");
    server.psql(
      `${whole.replace(/^GRANT pg_read_all_data.*$/m, "")}${schema}; create table later (x int); create schema other; create table other.hidden (x int)`,
    );
    const login = { user: "tidegate_reader", password: { reveal: () => "change me" } };
    await using connection = await driver.connect(server.target("postgres", login), { signal: never, readOnly: true });
    assert.equal(await cellOf(connection, "select count(*) from kept, later"), 0);
    assert.equal(driver.diagnose(await rejection(rowsOf(connection, "select * from other.hidden")))?.code, "FORBIDDEN");
    const seen = await connection.catalog.read({ detail: "names", signal: never });
    assert.deepEqual(
      seen.map(({ name }) => name),
      ["counter", "kept", "later"],
    );
  });
});

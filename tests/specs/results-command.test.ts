import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Command } from "commander";
import type { CommandModule } from "../../cli/commands.ts";
import * as exportCommand from "../../cli/export.ts";
import * as queryCommand from "../../cli/query.ts";
import * as resultsCommand from "../../cli/results.ts";
import type { Column, Value } from "../../core/contract/rows.ts";
import type { BundledPlugins } from "../../core/plugin/registry.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { createConfigFolder, problemOf } from "../support/config-folder.ts";
import { fakeIo } from "../support/fake-io.ts";
import { memoryDriver } from "../support/memory-driver.ts";

const columns: readonly Column[] = [
  { name: "id", type: "bigint", nativeType: "BIGINT" },
  { name: "status", type: "text", nativeType: "TEXT" },
];
const orders = {
  columns,
  rows: Array.from({ length: 300 }, (_, n): Value[] => [9007199254740993n + BigInt(n), n % 3 === 0 ? "sent" : "paid"]),
};

describe("tidegate results", () => {
  const { driver, log } = memoryDriver({ orders, none: { columns, rows: [] } });
  const bundled: BundledPlugins = Object.fromEntries(
    [driver, createDuckdbDriver()].map((each) => [
      each.name,
      async () => ({ default: () => ({ drivers: [{ ...each, facts: { ...each.facts, blocking: false } }] }) }),
    ]),
  );
  const folder = createConfigFolder();
  const terminal = { width: 60, colour: false };

  const run = async (module: CommandModule, args: readonly string[], place?: typeof terminal) => {
    const world = fakeIo({ cwd: folder.project, env: { HOME: folder.home, TIDEGATE_TELEMETRY_TRACES: "off" } });
    const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    module.define(command, { io: { ...world.io, ...(place && { terminal: place }) }, bundled });
    await command.parseAsync(args, { from: "user" });
    return { data: world.data(), notes: world.notes().join("\n") };
  };
  const results = async (...args: string[]) => (await run(resultsCommand, args)).data;
  const keep = async (...args: string[]) => (await run(queryCommand, ["main", ...args])).data;

  before(() => {
    folder.write("project/tidegate.yaml", "connections:\n  main: memory:x\n");
  });
  after(() => folder.remove());

  it("keeps a result from the command line and says its name, which is all that a script reads", async () => {
    const { data, notes } = await run(queryCommand, ["main", "orders", "--keep"]);
    assert.equal(data, "r1\n");
    assert.match(notes, /^Kept 300 rows of 2 columns\nGo on with: tidegate results query "select … from r1"/);
    assert.equal(await keep("none", "--keep"), "r2\n");
  });

  it("lists what is kept, and shows one in full", async () => {
    assert.match(
      await results("list"),
      /^name,rows,columns,bytes,truncated,connection,created,expires,sql\nr1,300,2,\d+,,main,[\dT:-]+Z,[\dT:-]+Z,orders\nr2,0,/,
    );
    const shown = JSON.parse(await results("show", "r1", "--format", "ndjson"));
    assert.deepEqual([shown.name, shown.rows, shown.columns, shown.sql], ["r1", 300, "id BIGINT, status TEXT", "orders"]);
    assert.match((await run(resultsCommand, ["list"], terminal)).data, / r1 .*│.*300/);
    assert.match((await run(resultsCommand, ["show", "r1"], terminal)).data, /^─\[ 1 \]─+\nname +│ r1\n/);
  });

  it("runs SQL over what is kept, prints it as any query, and keeps that too", async () => {
    const ran = log.ran.length;
    assert.equal(
      await results("query", "select min(id) as id, status from r1 group by status order by status"),
      "id,status\n9007199254740994,paid\n9007199254740993,sent\n",
    );
    const limited = await run(resultsCommand, ["query", "select id from r1 order by id", "--limit", "1", "--format", "ndjson"]);
    assert.deepEqual([limited.data, limited.notes], ['{"id":"9007199254740993"}\n', "Stopped after 1 rows: there are more"]);
    assert.equal(await results("query", "select count(*) as n from r1 where status = $1", "-p", "sent"), "n\n100\n");
    assert.equal(await results("query", "select status from r1", "--keep"), "r3\n");
    assert.equal(log.ran.length, ran);
  });

  it("takes an answer that is young enough, asks anew when told to, and says which", async () => {
    const ran = () => log.ran.filter((sql) => sql === "none").length;
    const before = ran();
    const again = ["main", "none", "--max-age", "5m"];
    assert.deepEqual(await run(queryCommand, again), { data: "id,status\n", notes: "" });
    assert.match((await run(queryCommand, again)).notes, /^Read \d s ago, kept as r\d$/);
    assert.equal(ran(), before + 1);
    await keep("none", "--fresh");
    assert.equal(ran(), before + 2);
  });

  it("profiles as a table, a drawing, JSON and a page that replaces nothing", async () => {
    const told = await run(resultsCommand, ["profile", "r1"]);
    assert.match(told.data, /^column,type,nulls,distinct,min.*\nid,BIGINT,0,300,9007199254740993,/);
    assert.equal(told.notes, "r1: 300 rows, 2 columns");
    assert.match(
      (await run(resultsCommand, ["profile", "r1", "--chart"], terminal)).data,
      /\n {2}paid {2}200 {2}█+\n {2}sent {2}100 {2}█+\n/,
    );
    assert.equal(JSON.parse(await results("profile", "r1", "--format", "json")).columns[1].top[0].rows, 200);
    await results("profile", "r1", "--html", "page.html");
    assert.match(readFileSync(folder.path("project/page.html"), "utf8"), /<svg/);
    assert.equal((await problemOf(results("profile", "r1", "--html", "page.html"))).code, "CONFLICT");
    assert.equal((await problemOf(results("profile", "r1", "--chart", "--format", "csv"))).code, "INPUT_INVALID");
  });

  it("exports a result, and finds the file again by what is in it", async () => {
    assert.match((await run(exportCommand, ["--from", "r3", "--to", "out.csv"])).notes, /^Wrote out\.csv: 300 rows/);
    renameSync(folder.path("project/out.csv"), folder.path("project/moved.csv"));
    assert.match(
      await results("find", "moved.csv"),
      /out\.csv {2}300 rows[\s\S]*\n {2}r3 {2}300 rows[\s\S]*\n {4}r1 {2}300 rows[\s\S]*read from main\n/,
    );
    assert.equal(JSON.parse(await results("find", "moved.csv", "--format", "json"))[0].rows, 300);
    writeFileSync(folder.path("project/moved.csv"), "x");
    assert.equal((await problemOf(results("find", "moved.csv"))).code, "NOT_FOUND");
    assert.equal((await problemOf(results("find", "nope.csv"))).code, "NOT_FOUND");
    assert.equal((await problemOf(run(exportCommand, ["main", "--from", "r3", "--to", "x.csv"]))).code, "INPUT_INVALID");
    assert.ok(!existsSync(folder.path("project/x.csv")));
  });

  it("tells lineage as text, as a picture and as OpenLineage", async () => {
    assert.match(await results("lineage", "r3"), /^r3 {2}300 rows[\s\S]*made of r1[\s\S]*\n {2}exported /);
    assert.match(await results("lineage", "r3", "--format", "mermaid"), /^flowchart LR\n[\s\S]* {2}r1 --> r3\n/);
    const events = JSON.parse(await results("lineage", "r3", "--format", "json"));
    assert.deepEqual(
      events.map((event: { outputs: { name: string }[] }) => event.outputs[0]?.name.replace(/.*\//, "")),
      ["local.r1", "local.r3", "out.csv"],
    );
  });

  it("removes what was named, all or none of it, and still knows where the rest came from", async () => {
    assert.equal((await problemOf(results("rm", "r1", "r99"))).code, "NOT_FOUND");
    assert.equal((await problemOf(results("rm"))).code, "INPUT_INVALID");
    assert.match((await run(resultsCommand, ["rm", "r1", "R1"])).notes, /^Removed 1 result, \d+ bytes$/);
    assert.equal((await problemOf(results("query", "select * from r1"))).code, "RESULT_EXPIRED");
    assert.match(await results("lineage", "r3"), /\n {2}r1 {2}300 rows.*, removed\n/);
    await results("rm", "--all");
    assert.equal((await results("list")).split("\n").length, 2);
    assert.match((await run(resultsCommand, ["gc"])).notes, /^Removed 0 results, 0 bytes$/);
  });

  it("refuses what it does not know, with what is near", async () => {
    const refused = async (...args: string[]) => {
      const { code, hint } = await problemOf(results(...args));
      return [code, hint];
    };
    assert.deepEqual(await refused("lsit"), ["INPUT_INVALID", 'Did you mean "list"?']);
    await results("rm", "--all");
    assert.deepEqual(await refused("show", "x"), ["NOT_FOUND", "Run a query first: a large result is kept and named"]);
    assert.equal((await problemOf(keep("orders", "--keep", "--write"))).code, "INPUT_INVALID");
    assert.equal((await problemOf(keep("orders", "--max-age", "5m", "--fresh"))).code, "INPUT_INVALID");
    assert.equal((await problemOf(run(queryCommand, ["--connection", "main", "select 1", "--keep"]))).code, "INPUT_INVALID");
    assert.equal((await problemOf(keep("orders", "--keep", "--limit", "1"))).code, "INPUT_INVALID");
    folder.write("project/tidegate.yaml", "connections:\n  main: memory:x\nresults:\n  mode: off\n");
    assert.equal((await refused("list"))[0], "UNSUPPORTED");
    assert.equal((await problemOf(keep("orders", "--keep"))).code, "UNSUPPORTED");
    assert.match(await keep("none"), /^id,status\n$/);
  });
});

import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const folder = tempFolder();
const shop = shopDatabase(folder, 30_000);
const env = privateEnvironment(folder);
const run = (...args: string[]) => tidegate(args, { cwd: folder, env });
const good = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, 0, stderr);
  return stdout;
};

describe("results that a running server and the command line share", () => {
  const client = new Client({ name: "assistant", version: "1" });
  const call = async (name: string, input: Record<string, unknown>): Promise<string> => {
    const { content } = await client.callTool({ name, arguments: input });
    return (content as readonly { readonly text?: string }[])[0]?.text ?? "";
  };
  before(() =>
    client.connect(
      new StdioClientTransport({ command: binary, args: ["serve", "--connection", `shop=${shop}`], env, cwd: folder, stderr: "pipe" }),
    ),
  );
  after(() => client.close());

  it("goes on at the command line with what an assistant was given", async () => {
    assert.match(await call("query", { sql: "select * from orders" }), /kept as r1:/);
    assert.match(await good("results", "list"), /\nr1,30000,\d+,\d+,,shop,.*,select \* from orders\n/);
    assert.equal(await good("results", "query", "select count(*) as n from r1"), "n\n30000\n");
    assert.match(await good("results", "profile", "r1"), /\nid,\w+,0,30000,1,7500,15000,22500,30000,/);
    const drawn = await good("results", "profile", "r1", "--chart");
    assert.ok(/█{20}/.test(drawn) && drawn.split("\n").every((line) => [...line].length <= 80) && !drawn.includes("\u001b"));
  });

  it("goes on in the server with what was kept at the command line", async () => {
    assert.equal(await good("query", shop, "select id from orders where id <= 500", "--keep"), "r2\n");
    assert.match(await call("analyze", { sql: "select count(*) as n from r1 join r2 using (id)" }), /^n\n500\n/);
    assert.match(await call("inspect", { object: "r2" }), /^-- r2: 500 rows, 1 column\ncolumn,type,/);
    assert.equal((await good("results", "query", "select id from r2 where id > 400", "--keep")).trim(), "r3");
  });

  it("keeps from both at once, and no name is given twice", async () => {
    const kept = await Promise.all([
      ...[1, 2].map(async () => /kept as (r\d+):/.exec(await call("query", { sql: "select * from orders" }))?.[1]),
      ...[1, 2].map(async () => (await good("query", shop, "select * from orders", "--keep", "-q")).trim()),
    ]);
    assert.equal(new Set(kept).size, 4, kept.join(" "));
    assert.ok(kept.every((name) => name !== undefined));
  });

  it("knows where everything came from", async () => {
    await good("export", "--from", "r3", "--to", "some.parquet");
    renameSync(join(folder, "some.parquet"), join(folder, "other.parquet"));
    assert.match(await good("results", "find", "other.parquet"), /some\.parquet {2}100 rows[\s\S]*r3 {2}[\s\S]*r2 {2}500 rows/);
    assert.match(await good("results", "lineage", "r3", "--format", "mermaid"), /r2 --> r3\n {2}r3 --> f1\n$/);
    const events = JSON.parse(await good("results", "lineage", "r3", "--format", "json"));
    assert.deepEqual(
      events.map(({ eventType }: { eventType: string }) => eventType),
      ["COMPLETE", "COMPLETE", "COMPLETE"],
    );
    await good("results", "profile", "r3", "--html", "r3.html");
    assert.match(readFileSync(join(folder, "r3.html"), "utf8"), /default-src 'none'/);
  });

  it("is gone for both when one removes it, and says how to get it back", async () => {
    await good("results", "rm", "r1");
    assert.match(await call("query", { cursor: "r1" }), /RESULT_EXPIRED[\s\S]*select \* from orders|select \* from orders/);
    const refused = await run("results", "query", "select * from r1");
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /^Error: Result "r1" was removed\nTry: Run it again on "shop": select \* from orders\n$/);
  });

  it("takes an answer again while it is young, until something is written", async () => {
    const counted = ["query", shop, "select count(*) as n from orders"];
    const again = () => run(...counted, "--max-age", "5m");
    assert.deepEqual([(await again()).stderr, (await again()).stdout], ["", "n\n30000\n"]);
    assert.match((await again()).stderr, /^Read \d+ s ago, kept as r\d+\n$/);
    await good("query", shop, "--write", "delete from orders where id = 1");
    assert.deepEqual((await again()).stdout, "n\n29999\n");
  });

  it("explains itself with examples, and refuses with the exit codes of the table", async () => {
    for (const action of ["list", "show", "query", "profile", "lineage", "find", "rm", "gc"])
      assert.match(await good("results", action, "--help"), new RegExp(`Examples:\\n {2}tidegate results ${action}`));
    const refused: readonly (readonly [number, RegExp, string[]])[] = [
      [2, /Action "profil" is unknown\nTry: Did you mean "profile"\?/, ["profil", "r1"]],
      [2, /Cannot use --format "mermaidd"\nTry: Did you mean "mermaid"\?/, ["lineage", "r3", "--format", "mermaidd"]],
      [3, /No result is named "r33"\nTry: Did you mean "r3"/, ["show", "r33"]],
      [4, /Cannot reach/, ["query", "select * from read_csv('/etc/passwd')"]],
      [4, /Stored results can only be read/, ["query", "create table x as from r3"]],
    ];
    for (const [code, words, args] of refused) {
      const outcome = await run("results", ...args);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, words);
    }
    const off = await tidegate(["results", "list"], { cwd: folder, env: { ...env, TIDEGATE_RESULTS_MODE: "off" } });
    assert.equal(off.code, 3);
  });
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

/** A served shop with this configuration, and a way to ask its tools. */
async function shop(configuration = "") {
  const folder = tempFolder();
  shopDatabase(folder);
  writeFileSync(join(folder, "tidegate.yaml"), `connections:\n  shop:\n    target: ./shop.db\n${configuration}`);
  const client = new Client({ name: "t", version: "1" });
  await client.connect(new StdioClientTransport({ command: binary, args: ["serve"], cwd: folder, env: privateEnvironment(folder) }));
  return {
    ask: async (name: string, input: Record<string, unknown>) => {
      const { content } = (await client.callTool({ name, arguments: input })) as { readonly content: readonly { readonly text: string }[] };
      return content[0]?.text ?? "";
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

describe("an answer of tidegate serve", () => {
  it("names the limit that holds when a call asks for more rows than it allows", async () => {
    await using served = await shop("limits:\n  maxRows: 20\n");
    assert.match(await served.ask("query", { sql: "select id from orders", max_rows: 10 }), /-- 10 of 1000 rows; kept as r1/);
    assert.match(
      await served.ask("query", { sql: "select id from orders", max_rows: 900 }),
      /-- 20 of 1000 rows \(limits\.maxRows\); kept as r2/,
    );
  });

  it("says when a connection's own limit left rows out", async () => {
    await using served = await shop("    maxRows: 5\n");
    assert.match(
      await served.ask("query", { sql: "select id from orders" }),
      /-- 5 of at least 6 rows: connections\.shop\.maxRows allows no more: narrow the query;/,
    );
    assert.match(
      await served.ask("query", { sql: "select id from orders", max_rows: 3 }),
      /-- 3 of the first 5 rows, truncated: source \(connections\.shop\.maxRows\); kept as r\d/,
    );
    assert.match(await served.ask("query", { sql: "select id from orders limit 5" }), /-- 5 rows in/);
  });

  it("says what is wrong with an export's path, and with a word outside a list", async () => {
    await using served = await shop();
    const sql = "select 1 as x";
    assert.match(await served.ask("export", { sql, to: "a.csv" }), /-- 1 row, /);
    assert.match(await served.ask("export", { sql, to: "a.csv/b.csv" }), /INPUT_INVALID: .*a part of the path is a file\nTry: /);
    assert.match(await served.ask("export", { sql, to: "x".repeat(300) }), /INPUT_INVALID: .*the name is too long\nTry: /);
    assert.match(await served.ask("export", { sql, to: "b", format: "parqet" }), /Try: Did you mean "parquet"\?/);
  });
});

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

interface Session {
  readonly name: string;
  readonly client: Pick<ModernClient, "listTools" | "close" | "getInstructions">;
  callTool(
    params: { readonly name: string; readonly arguments: Record<string, unknown>; readonly _meta?: Record<string, unknown> },
    signal?: AbortSignal,
  ): Promise<{ readonly isError?: boolean; readonly content?: unknown }>;
}

const folder = tempFolder();
const shop = shopDatabase(folder, 50_000);
const args = ["serve", "--connection", `shop=${shop}`];
const server = { command: binary, args, env: privateEnvironment(folder), cwd: folder, stderr: "pipe" as const };

async function oldSession(): Promise<Session> {
  const client = new OldClient({ name: "old", version: "1" });
  await client.connect(new OldTransport(server));
  return {
    name: "the v1 client",
    client: client as unknown as Session["client"],
    callTool: (params, signal) => client.callTool(params, undefined, { signal }) as ReturnType<Session["callTool"]>,
  };
}

async function modernSession(name: string, mode: "legacy" | { pin: string }): Promise<Session> {
  const client = new ModernClient({ name: "modern", version: "1" }, { versionNegotiation: { mode } } as ConstructorParameters<
    typeof ModernClient
  >[1]);
  await client.connect(new ModernTransport(server));
  return { name, client, callTool: (params, signal) => client.callTool(params, { signal }) };
}

function text(result: { readonly content?: unknown }): string {
  const [first] = result.content as { readonly type: string; readonly text: string }[];
  assert.equal(first?.type, "text");
  return first.text;
}

for (const open of [
  oldSession,
  () => modernSession("the v2 client, 2025 era", "legacy"),
  () => modernSession("the v2 client, 2026 era", { pin: "2026-07-28" }),
]) {
  describe("MCP over stdio", () => {
    let session: Session;
    before(async () => {
      session = await open();
    });
    after(() => session.client.close());
    const call = (name: string, input: Record<string, unknown>) => session.callTool({ name, arguments: input });

    it("lists five tools with annotations and without output schemas", async (context) => {
      context.diagnostic?.(session.name);
      const { tools } = await session.client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ["query", "inspect", "analyze", "export", "explain"],
      );
      for (const tool of tools) {
        assert.equal(typeof tool.annotations?.readOnlyHint, "boolean");
        assert.equal(tool.outputSchema, undefined);
        assert.equal(tool.inputSchema.properties?.connection, undefined, "one connection needs no argument");
      }
    });

    it("costs at most 900 tokens to list, and explains itself within 2,000 characters", async () => {
      const { tools } = await session.client.listTools();
      assert.ok(JSON.stringify({ tools }).length / 4 <= 900, `${JSON.stringify({ tools }).length} bytes`);
      assert.ok((session.client.getInstructions() ?? "").length < 2000);
    });

    it("answers with CSV, where NULL and empty text differ, and one footer line", async () => {
      const result = await call("query", { sql: "select name, city from customers order by id" });
      assert.match(text(result), /^name,city\nAna,Lisbon\nBo,\n"Chloé, ""the"" third",""\n-- 3 rows in \d+ ms; trace [0-9a-f]{32}$/);
    });

    it("shows the first rows, keeps all, and says how to go on", async () => {
      const answer = text(await call("query", { sql: "select id from orders where id <= 600" }));
      assert.equal(answer.split("\n").length, 102);
      assert.match(answer, /-- 100 of 600 rows; kept as r\d+: query cursor r\d+:100 reads on, analyze/);
      assert.match(text(await call("query", { sql: "select id from orders", max_rows: 5000 })), /-- 5000 of 50000 rows; kept as/);
    });

    it("keeps every answer below the frame cap", async () => {
      const answer = text(await call("query", { sql: "select hex(randomblob(500)) as h from orders", max_rows: 10_000 }));
      assert.ok(Buffer.byteLength(answer) <= 4.1 * 1024 * 1024);
      assert.match(answer.slice(-200), /of 50000 rows; kept as r\d+/);
    });

    it("binds parameters", async () => {
      assert.match(
        text(await call("query", { sql: "select name from customers where id = ? and name like ?", params: [1, "A%"] })),
        /^name\nAna\n/,
      );
    });

    it("returns JSON on request", async () => {
      const answer = JSON.parse(text(await call("query", { sql: "select id, city from customers order by id limit 2", format: "json" })));
      assert.deepEqual(answer.rows, [
        [1, "Lisbon"],
        [2, null],
      ]);
      assert.deepEqual(
        answer.columns.map(([name]: [string]) => name),
        ["id", "city"],
      );
    });

    it("describes the database in few words", async () => {
      const answer = text(await call("inspect", {}));
      assert.match(answer, /^-- shop: SQLite, .*read-only verified/);
      assert.match(answer, /customers.*name:text/);
      assert.match(answer, /customer_id:\w+\*NN\*FK->customers\.id/);
      assert.match(text(await call("inspect", { search: "amount" })), /orders/);
      assert.match(text(await call("inspect", { object: "orders" })), /orders/);
    });

    it("explains a plan", async () => {
      assert.match(text(await call("explain", { sql: "select * from orders where customer_id = 1" })), /orders_customer/);
    });

    it("refuses writes as a tool error that says what to do", async () => {
      for (const sql of [
        "delete from orders",
        "create table x (a)",
        "attach 'other.db' as o",
        "pragma query_only = 0",
        "select 1; drop table orders",
      ]) {
        const result = await call("query", { sql });
        assert.equal(result.isError, true, sql);
        assert.match(text(result), /^(POLICY_DENIED|SQL_INVALID): .+\nTry: .+/, sql);
      }
    });

    it("suggests near names for a wrong table, argument and tool", async () => {
      assert.match(
        text(await call("query", { sql: "select * from custmers" })),
        /SQL_INVALID: .*custmers.*\nTry: Did you mean "customers"\?/,
      );
      assert.match(text(await call("query", { sqll: "select 1" })), /INPUT_INVALID: .*\nTry: Did you mean "sql"\?|argument "sql"/);
      const unknown = await call("qery", { sql: "select 1" });
      assert.equal(unknown.isError, true);
      assert.match(text(unknown), /NOT_FOUND: No tool is named "qery"\nTry: Did you mean "query"\?/);
    });

    it("exports into its folder only", async () => {
      const done = text(await call("export", { sql: "select * from orders", to: `${session.name.replaceAll(/\W/g, "-")}.csv` }));
      const [path = ""] = done.split("\n");
      assert.match(done, /-- 50000 rows, \d+ bytes in [\d.]+ s; sha256 [0-9a-f]{64}/);
      assert.equal(readFileSync(path, "utf8").split("\n").length, 50_002);
      mkdirSync(join(folder, "outside"), { recursive: true });
      try {
        symlinkSync(join(folder, "outside"), join(folder, "state/exports/link"));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "EEXIST");
      }
      for (const to of ["/etc/tidegate.csv", "../escaped.csv", "link/escaped.csv", "a/../../escaped.csv"]) {
        const refused = await call("export", { sql: "select 1", to });
        assert.equal(refused.isError, true, to);
        assert.match(text(refused), /^FORBIDDEN/, to);
      }
      assert.match(text(await call("export", { sql: "select 1", to: `${session.name.replaceAll(/\W/g, "-")}.csv` })), /^CONFLICT/);
    });

    it("runs calls side by side, and a cancel stops the engine", async () => {
      const stop = new AbortController();
      const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
      const long = session.callTool({ name: "query", arguments: { sql: endless } }, stop.signal);
      const failed = assert.rejects(long);
      assert.match(text(await call("query", { sql: "select 1 as one" })), /^one\n1\n/, "a quick call does not wait for a long one");
      stop.abort();
      await failed;
      for (let round = 0; round < 6; round++) {
        assert.match(text(await call("query", { sql: `select ${round} as n` })), new RegExp(`^n\n${round}\n`));
      }
    });

    it("joins the caller's trace", async () => {
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const result = await session.callTool({ name: "query", arguments: { sql: "select 1" }, _meta: { traceparent } });
      assert.match(text(result), /trace 0af7651916cd43dd8448eb211c80319c$/);
    });
  });
}

describe("MCP over stdio with several connections", () => {
  it("asks which one is meant, by an enum, and starts although one is dead", async () => {
    writeFileSync(join(folder, "junk.db"), "this is not a database at all, but long enough to be read as one".repeat(20));
    const client = new ModernClient({ name: "modern", version: "1" });
    await client.connect(
      new ModernTransport({
        ...server,
        args: [...args, "--connection", `dead=sqlite:${join(folder, "gone.db")}`, "--connection", `junk=sqlite:${join(folder, "junk.db")}`],
      }),
    );
    const { tools } = await client.listTools();
    assert.deepEqual(tools[0]?.inputSchema.properties?.connection, { type: "string", enum: ["shop", "dead", "junk"] });
    assert.match(text(await client.callTool({ name: "query", arguments: { sql: "select 1 as x", connection: "shop" } })), /^x\n1/);
    assert.match(
      text(await client.callTool({ name: "query", arguments: { sql: "select 1", connection: "dead" } })),
      /^NOT_FOUND: .*gone\.db/,
    );
    assert.match(text(await client.callTool({ name: "query", arguments: { sql: "select 1", connection: "junk" } })), /not a .*database/i);
    const overview = text(await client.callTool({ name: "inspect", arguments: {} }));
    assert.match(overview, /shop: SQLite/);
    assert.match(overview, /dead: SQLite.*failed/);
    await client.close();
  });
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";
import { writer } from "../support/write-app.ts";

/** What the person behind a client does with a question; absent for a client that cannot ask. */
type Says = "accept" | "decline" | "cancel" | undefined;

interface Session {
  execute(sql: string, more?: object): Promise<string>;
  tools(): Promise<readonly { readonly name: string }[]>;
  instructions(): string;
  readonly asked: string[];
  close(): Promise<void>;
}

type Connect = (server: { command: string; args: string[]; env: Record<string, string>; cwd: string }, says: Says) => Promise<Session>;

const old: Connect = async (server, says) => {
  const asked: string[] = [];
  const client = new OldClient({ name: "old", version: "1" }, { capabilities: says === undefined ? {} : { elicitation: {} } });
  if (says !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return { action: says, ...(says === "accept" && { content: {} }) };
    });
  await client.connect(new OldTransport({ ...server, stderr: "pipe" }));
  return session(client as never, asked);
};

const modern =
  (mode: "legacy" | { pin: string }): Connect =>
  async (server, says) => {
    const asked: string[] = [];
    const client = new ModernClient({ name: "modern", version: "1" }, {
      versionNegotiation: { mode },
      capabilities: says === undefined ? {} : { elicitation: {} },
    } as ConstructorParameters<typeof ModernClient>[1]);
    if (says !== undefined)
      client.setRequestHandler("elicitation/create", ({ params }) => {
        asked.push(params.message);
        return { action: says, ...(says === "accept" && { content: {} }) };
      });
    await client.connect(new ModernTransport({ ...server, stderr: "pipe" }));
    return session(client, asked);
  };

function session(client: ModernClient, asked: string[]): Session {
  return {
    asked,
    async execute(sql, more = {}) {
      const { content } = await client.callTool({ name: "execute", arguments: { sql, ...more } });
      return (content as { text: string }[])[0]?.text.replace(/; trace \w+$/, "") ?? "";
    },
    tools: async () => (await client.listTools()).tools,
    instructions: () => client.getInstructions() ?? "",
    close: () => client.close(),
  };
}

const folders: string[] = [];
const sessions: Session[] = [];
after(async () => {
  for (const one of sessions) await one.close();
});

/** A shop that may be written to, and how a client starts a server for it. */
function shop(policy = writer()) {
  const folder = tempFolder();
  folders.push(folder);
  const path = shopDatabase(folder, 50);
  writeFileSync(join(folder, "policy.yaml"), policy, { mode: 0o600 });
  writeFileSync(join(folder, "tidegate.yaml"), `connections:\n  shop: { url: "${path}", write: true }\n`, { mode: 0o600 });
  const env = { ...privateEnvironment(folder), TIDEGATE_POLICY_FILE: join(folder, "policy.yaml") };
  return {
    folder,
    env,
    server: { command: binary, args: ["serve"], env, cwd: folder },
    /** The file itself: a write that did not happen leaves every byte as it was. */
    bytes: () => readFileSync(path).toString("base64"),
    orders: async () => (await tidegate(["query", path, "select count(*) as n from orders"], { cwd: folder })).stdout,
  };
}

async function connected(connect: Connect, says: Says, { server }: ReturnType<typeof shop>): Promise<Session> {
  const made = await connect(server, says);
  sessions.push(made);
  return made;
}

const cut = "delete from orders where id <= 3";

for (const [name, connect] of [
  ["the v1 client", old],
  ["the v2 client, 2025 era", modern("legacy")],
  ["the v2 client, 2026 era", modern({ pin: "2026-07-28" })],
] as const) {
  describe(`a write by ${name}`, () => {
    it("runs when the person it asks accepts", async () => {
      const place = shop();
      const { execute, asked } = await connected(connect, "accept", place);
      assert.equal(await execute(cut), "-- done: delete, 3 rows of orders");
      assert.deepEqual(asked, [`Run this on shop? delete, 3 rows of orders\n\n${cut}`]);
      assert.equal(await place.orders(), "n\n47\n");
    });

    it("changes nothing when they decline or dismiss it", async () => {
      const place = shop(writer("    confirm: required\n"));
      const before = place.bytes();
      for (const [says, code] of [
        ["decline", "FORBIDDEN"],
        ["cancel", "CANCELLED"],
      ] as const) {
        const { execute, asked } = await connected(connect, says, place);
        assert.match(await execute(cut), new RegExp(`^${code}: .*: nothing was changed\nTry: `));
        assert.equal(asked.length, 1);
      }
      assert.equal(place.bytes(), before);
    });

    it("is refused where a person has to agree and cannot be asked, and runs where they need not", async () => {
      const strict = shop(writer("    confirm: required\n"));
      const before = strict.bytes();
      assert.match(await (await connected(connect, undefined, strict)).execute(cut), /^POLICY_DENIED: A person has to agree/);
      assert.equal(strict.bytes(), before);
      assert.equal(await (await connected(connect, undefined, shop())).execute(cut), "-- done: delete, 3 rows of orders");
    });

    it("is tried without a question, and leaves every byte as it was", async () => {
      const place = shop();
      const before = place.bytes();
      const { execute, asked } = await connected(connect, "accept", place);
      const told = await execute("update customers set city = 'Rome' where id = 1", { dry_run: true });
      assert.equal(told.split("\n").at(-1), "-- dry run, nothing was changed: update, 1 row of customers");
      assert.match(await execute("delete from orders"), /^POLICY_DENIED: The delete has no where/);
      assert.deepEqual(asked, []);
      assert.equal(place.bytes(), before);
    });
  });
}

describe("the list of tools", () => {
  it("has execute only where it may be used, within the same cost, and says so at the beginning", async () => {
    const writing = await connected(modern("legacy"), undefined, shop());
    const tools = await writing.tools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["query", "inspect", "analyze", "export", "explain", "execute"],
    );
    assert.ok(JSON.stringify({ tools }).length / 4 <= 900, `${JSON.stringify({ tools }).length} bytes`);
    assert.match(writing.instructions(), /Only execute changes anything/);
    assert.ok(writing.instructions().length < 2000);
    const reading = await connected(modern("legacy"), undefined, shop(writer("", "[{ access: read }]")));
    assert.equal((await reading.tools()).length, 5);
    assert.match(reading.instructions(), /Everything is read-only/);
    assert.match(await reading.execute(cut), /^NOT_FOUND: No tool is named "execute"/);
  });
});

describe("tidegate query --write --dry-run", () => {
  it("tells what would change, and changes nothing, with a policy and without", async () => {
    const place = shop();
    const before = place.bytes();
    const run = (args: readonly string[], env: Record<string, string> = place.env) =>
      tidegate(["query", "shop", ...args], { cwd: place.folder, env });
    const { TIDEGATE_POLICY_FILE: _, ...open } = place.env;
    for (const env of [place.env, open]) {
      const { stdout, stderr, code } = await run(["--write", "--dry-run", "update customers set city = 'Rome' where id = 2"], env);
      assert.equal(code, 0, stderr);
      assert.equal(
        stdout,
        "-- before, 1 row:\nid,name,city\n2,Bo,\n-- after, 1 row:\nid,name,city\n2,Bo,Rome\n-- dry run, nothing was changed: update, 1 row of customers\n",
      );
    }
    const refused = await run(["--write", "--dry-run", "delete from orders"]);
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /has no where/);
    assert.match((await run(["--dry-run", cut])).stderr, /Add --write/);
    assert.match((await run(["--write", "--dry-run", "--format", "json", cut])).stderr, /A dry run takes no --format/);
    assert.match((await run(["--write", "--dry-run", "select 1"])).stderr, /only reads/);
    assert.equal(place.bytes(), before);
  });
});

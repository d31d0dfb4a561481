import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { type ConnectOptions, connect } from "../../cli/connect.ts";
import { clients } from "../../core/clients/clients.ts";
import { createConfigFolder, problemOf } from "../support/config-folder.ts";
import { fakeIo } from "../support/fake-io.ts";

let folder = createConfigFolder();
beforeEach(() => {
  folder.remove();
  folder = createConfigFolder();
});
after(() => folder.remove());

async function run(client: string | undefined, options: Partial<ConnectOptions> = {}, env: Readonly<Record<string, string>> = {}) {
  const world = fakeIo({ cwd: folder.project, env: { HOME: folder.home, ...env } });
  const io = { ...world.io, self: ["/opt/tidegate"] };
  await connect(client, { name: "tidegate", format: "text", ...options }, { io, bundled: {} });
  return { data: world.data(), notes: world.notes().join("\n") };
}

/** The arguments that Cursor would start the server with. */
async function argumentsOf(options: Partial<ConnectOptions>, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const { data } = await run("cursor", { print: true, ...options }, env);
  const { command, args } = JSON.parse(data).mcpServers.tidegate;
  assert.equal(command, "/opt/tidegate");
  return args;
}

describe("what a client is told to run", () => {
  it("means the same in every folder", async () => {
    const at = (name: string) => folder.path(`project/${name}`);
    const connection = ["shop=./shop.db", "lake=duckdb:lake/*.parquet", "memory=sqlite::memory:", "web=https://h/x.parquet"];
    assert.deepEqual(await argumentsOf({ connection }), [
      "serve",
      ...["--connection", `shop=${at("shop.db")}`],
      ...["--connection", `lake=duckdb:${at("lake/*.parquet")}`],
      ...["--connection", "memory=sqlite::memory:"],
      ...["--connection", "web=https://h/x.parquet"],
    ]);
    folder.write("project/other.yaml", "connections: { sales: postgres://db/sales, more: x }\n");
    assert.deepEqual(await argumentsOf({ config: "other.yaml" }), ["serve", "--config", at("other.yaml")]);
    assert.deepEqual(await argumentsOf({ connection: ["sales", "s=more"] }, { TIDEGATE_CONFIG: "other.yaml" }), [
      "serve",
      ...["--config", at("other.yaml")],
      ...["--connection", "sales=sales"],
      ...["--connection", "s=more"],
    ]);
  });

  it("serves the user's own connections by themselves", async () => {
    folder.write(".config/tidegate/config.yaml", "connections: { sales: postgres://db/sales }\n");
    assert.deepEqual(await argumentsOf({}), ["serve"]);
  });

  it("names a project's file only when told to, because naming it is trusting it", async () => {
    folder.write("project/tidegate.yaml", "connections: { sales: postgres://db/sales }\n");
    for (const options of [{}, { connection: ["sales"] }]) {
      const { code, hint } = await problemOf(argumentsOf(options));
      assert.equal(code, "INPUT_INVALID");
      assert.match(hint ?? "", /--config .*tidegate\.yaml, or connect this project only: --project$/);
    }
    assert.deepEqual(await argumentsOf({ project: true }), ["serve"]);
    assert.deepEqual((await argumentsOf({ config: "tidegate.yaml" })).slice(0, 2), ["serve", "--config"]);
  });

  it("holds no password, and says where one belongs", async () => {
    for (const target of ["postgres://app:CANARY@h/d", "x=postgres://app:CANARY@h/d", "x=libsql://h?authToken=CANARY"]) {
      const { code, message, hint } = await problemOf(argumentsOf({ connection: [target] }));
      assert.equal(code, "INPUT_INVALID");
      assert.match(hint ?? "", /tidegate\.yaml with a secret reference \(password: keyring:sales\)/);
      assert.ok(!`${message}${hint}`.includes("CANARY"));
    }
  });

  it("is something to serve", async () => {
    assert.match((await problemOf(argumentsOf({}))).message, /nothing to serve/);
    folder.write("project/other.yaml", "connections: { sales: x }\n");
    const { code, hint } = await problemOf(argumentsOf({ config: "other.yaml", connection: ["sale"] }));
    assert.deepEqual([code, hint], ["NOT_FOUND", 'Did you mean "sales"?']);
    assert.equal((await problemOf(argumentsOf({ connection: ["./a.db"] }))).code, "INPUT_INVALID");
  });
});

describe("tidegate connect", () => {
  const connection = ["shop=./shop.db"];

  it("adds, says what to do next, is content the second time, and removes", async () => {
    const file = folder.path(".cursor/mcp.json");
    const first = await run("cursor", { connection });
    assert.equal(first.data, `${file}\n`);
    assert.match(first.notes, /^Added "tidegate" to Cursor\. Enable it/);
    assert.match((await run("cursor", { connection })).notes, /is there already/);
    const removed = await run("cursor", { remove: true });
    assert.match(removed.notes, /^Removed "tidegate" from Cursor\.[\s\S]*The file as it was: .*\.bak$/);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { mcpServers: {} });
    assert.match((await run("cursor", { remove: true })).notes, /is not there/);
  });

  it("writes into the project, or nothing at all when it prints", async () => {
    await run("vscode", { connection, print: true });
    assert.ok(!existsSync(folder.path(".config/Code")) && !existsSync(folder.path("project/.vscode")));
    await run("vscode", { connection, project: true, name: "shop" });
    assert.equal(JSON.parse(readFileSync(folder.path("project/.vscode/mcp.json"), "utf8")).servers.shop.type, "stdio");
    assert.equal((await problemOf(run("windsurf", { connection, project: true }))).code, "UNSUPPORTED");
  });

  it("lists every client, those that are here, and those that have us", async () => {
    mkdirSync(folder.path(".gemini"));
    await run("codex", { connection });
    const listed: { client: string; found: boolean; server: string; file: string }[] = JSON.parse(
      (await run(undefined, { format: "json" })).data,
    );
    assert.deepEqual(
      listed.map(({ client }) => client),
      clients.map(({ name }) => name),
    );
    assert.deepEqual(
      listed.filter(({ found }) => found).map(({ client, server }) => [client, server]),
      [
        ["codex", "yes"],
        ["gemini", "no"],
      ],
    );
    assert.match((await run("codex", { list: true })).data, /^codex +Codex +found +has tidegate +.*config\.toml$/m);
    const { data } = await run(undefined, { project: true });
    assert.ok(data.includes(join(folder.project, ".zed/settings.json")) && !data.includes("windsurf"));
  });

  it("suggests a client for a name it does not know, and refuses a name that no file could hold", async () => {
    assert.equal((await problemOf(run("claude"))).hint, 'Did you mean "claude-code" or "claude-desktop"?');
    assert.equal((await problemOf(run("cursor", { name: "a.b", connection }))).code, "INPUT_INVALID");
  });
});

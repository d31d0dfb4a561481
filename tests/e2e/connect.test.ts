import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse as parseToml } from "smol-toml";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

interface Entry {
  readonly command: string;
  readonly args: readonly string[];
}

/** Starts an entry as a client does, in another folder, and runs one query. */
async function answerOf({ command, args }: Entry): Promise<readonly string[]> {
  const folder = tempFolder();
  const child = spawn(command, [...args], { cwd: folder, env: privateEnvironment(folder), stdio: ["pipe", "pipe", "inherit"] });
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  send({
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
  });
  send({ method: "notifications/initialized" });
  send({ id: 2, method: "tools/call", params: { name: "query", arguments: { sql: "select 42 as answer" } } });
  let text = "";
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('"id":2')) break;
  }
  child.stdin.end();
  const answer = text.split("\n").find((line) => line.includes('"id":2'));
  return JSON.parse(answer ?? "{}").result.content.map(({ text }: { text: string }) => text);
}

describe("tidegate connect, as people run it", () => {
  it("writes an entry that starts this binary and serves, wherever the client is", async () => {
    const folder = tempFolder();
    shopDatabase(folder);
    const run = (...args: string[]) => tidegate(["connect", ...args], { cwd: folder });
    const json = await run("claude-code", "--connection", "shop=./shop.db");
    assert.equal(json.code, 0, json.stderr);
    const entry: Entry = JSON.parse(readFileSync(join(folder, ".claude.json"), "utf8")).mcpServers.tidegate;
    assert.equal(entry.command, binary);
    assert.match((await answerOf(entry)).join(), /answer\n42/);
    const toml = await run("codex", "--connection", "shop=./shop.db", "--print");
    const printed: any = parseToml(toml.stdout);
    assert.match((await answerOf(printed.mcp_servers.tidegate)).join(), /answer\n42/);
    assert.ok(!existsSync(join(folder, ".codex")));
  });

  it("serves a connection of a file that was named", async () => {
    const folder = tempFolder();
    shopDatabase(folder);
    const made = await tidegate(["config", "init", "--connection", "shop=./shop.db"], { cwd: folder });
    assert.equal(made.code, 0, made.stderr);
    const refused = await tidegate(["connect", "cursor"], { cwd: folder });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /Try: .*--config/);
    const { stdout, code } = await tidegate(["connect", "cursor", "--config", "tidegate.yaml", "--print"], { cwd: folder });
    assert.equal(code, 0);
    assert.match((await answerOf(JSON.parse(stdout).mcpServers.tidegate)).join(), /answer\n42/);
  });

  it("writes nothing at all when something is wrong", async () => {
    const folder = tempFolder();
    for (const args of [
      ["curso"],
      ["cursor", "--connection", "postgres://app:CANARY@h/d"],
      ["cursor", "--connection", "nowhere"],
      ["windsurf", "--project", "--connection", "a=./a.db"],
    ]) {
      const { code, stderr } = await tidegate(["connect", ...args], { cwd: folder });
      assert.notEqual(code, 0);
      assert.match(stderr, /^Error: .*\nTry: /);
      assert.ok(!stderr.includes("CANARY"));
    }
    assert.deepEqual(
      readdirSync(folder).filter((name) => name !== "state"),
      [],
    );
  });
});

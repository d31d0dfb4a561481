import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const endlessRows = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n";

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 400) assert.fail(`never happened: ${what}`);
    await new Promise((again) => setTimeout(again, 25));
  }
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function start(args: readonly string[], folder = tempFolder()) {
  const child = spawn(binary, args, { cwd: folder, env: privateEnvironment(folder) });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout.resume();
  const ended = new Promise<number | null>((done) => child.on("close", done));
  return { child, folder, ended, stderr: () => stderr };
}

/** A server with an endless export from each engine under way, each of which has begun its file. */
async function exporting() {
  const folder = tempFolder();
  const served = start(["serve", "--connection", `shop=${shopDatabase(folder)}`, "--connection", "duck=:memory:"], folder);
  const exports = join(folder, "state/exports");
  const send = (id: number, method: string, params: object) =>
    served.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
  const call = (id: number, connection: string, sql: string, to: string) =>
    send(id, "tools/call", { name: "export", arguments: { connection, sql, to } });
  send(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
  call(1, "shop", endlessRows, "a.csv");
  call(2, "duck", "select * from range(1000000000000)", "b.parquet");
  await until(() => listed(exports).filter((name) => name.endsWith(".part")).length === 2, "both exports begin their files");
  return { ...served, exports };
}

describe("tidegate serve, in the middle of exports", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(`leaves no part of a file on ${signal}`, async () => {
      const { child, ended, exports, stderr } = await exporting();
      child.kill(signal);
      assert.equal(await ended, 0, stderr());
      assert.deepEqual(listed(exports), []);
    });
  }

  it("leaves no part of a file when its client closes the pipe", async () => {
    const { child, ended, exports, stderr } = await exporting();
    child.stdin.end();
    assert.equal(await ended, 0, stderr());
    assert.deepEqual(listed(exports), []);
  });
});

describe("tidegate export, when its terminal is closed", () => {
  it("removes what it began to write and what it staged", async () => {
    const folder = tempFolder();
    const shop = shopDatabase(folder);
    const before = listed(folder);
    const { child, ended } = start(["export", shop, endlessRows, "--to", "big.xlsx"], folder);
    const begun = () => listed(folder).some((name) => name.endsWith(".part") || name.startsWith(".tidegate-"));
    await until(begun, "the export begins");
    child.kill("SIGHUP");
    child.kill("SIGHUP");
    assert.equal(await ended, 130);
    assert.deepEqual(
      listed(folder).filter((name) => name !== "state"),
      before,
    );
  });

  it("goes on under nohup", { skip: process.platform !== "linux" && "elsewhere the program cannot know" }, async () => {
    const folder = tempFolder();
    const out = openSync(join(folder, "out.txt"), "w");
    const child = spawn("nohup", [binary, "export", shopDatabase(folder), `${endlessRows} limit 2000000`, "--to", "n.csv"], {
      cwd: folder,
      env: privateEnvironment(folder),
      stdio: ["ignore", out, out],
    });
    const ended = new Promise<number | null>((done) => child.on("close", done));
    await until(() => listed(folder).some((name) => name.endsWith(".part")), "the export begins");
    child.kill("SIGHUP");
    assert.equal(await ended, 0);
    assert.ok(existsSync(join(folder, "n.csv")));
  });
});

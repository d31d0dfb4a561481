import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

/** A raw session with the binary: lines in, lines out. */
function serve(folder = tempFolder()) {
  const shop = shopDatabase(folder);
  const child: ChildProcessWithoutNullStreams = spawn(binary, ["serve", "--connection", `shop=${shop}`, "--connection", "lake=:memory:"], {
    cwd: folder,
    env: privateEnvironment(folder),
  });
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((done) =>
    child.on("close", (code, signal) => done({ code, signal })),
  );
  const answer = async (id: number): Promise<string> => {
    while (true) {
      const found = lines.find((line) => JSON.parse(line).id === id);
      if (found !== undefined) return found;
      await new Promise<void>((wake) => waiting.push(wake));
    }
  };
  const send = (id: number, method: string, params: object) =>
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
  const callOn = (connection: string, id: number, sql: string) => send(id, "tools/call", { name: "query", arguments: { sql, connection } });
  const call = (id: number, sql: string) => callOn("shop", id, sql);
  const initialize = () => {
    send(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
    return answer(0);
  };
  return { child, folder, answer, call, callOn, initialize, ended };
}

/** Processes whose parent is, or was, this one and that are still running. */
function seatsOf(folder: string): string[] {
  return execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes("__seat") && readCwd(line.trim().split(" ")[0] ?? "") === folder);
}

function readCwd(pid: string): string {
  try {
    return execFileSync("readlink", [`/proc/${pid}/cwd`], { encoding: "utf8" }).trim();
  } catch {
    // The process ended meanwhile.
    return "";
  }
}

async function noneLeft(folder: string): Promise<void> {
  for (let tries = 0; tries < 100 && seatsOf(folder).length > 0; tries++) await new Promise((again) => setTimeout(again, 50));
  assert.deepEqual(seatsOf(folder), []);
}

describe("tidegate serve", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`ends cleanly on ${signal}, in the middle of a query`, async () => {
      const { child, initialize, call, answer, ended, folder } = serve();
      await initialize();
      call(1, "select 1");
      await answer(1);
      call(2, endless);
      call(3, "select 3");
      await answer(3);
      child.kill(signal);
      assert.deepEqual(await ended, { code: 0, signal: null });
      await noneLeft(folder);
    });
  }

  it("ends cleanly when its client closes the pipe", async () => {
    const { child, initialize, call, ended, folder } = serve();
    await initialize();
    call(1, endless);
    child.stdin.end();
    assert.equal((await ended).code, 0);
    await noneLeft(folder);
  });

  it("leaves no query running when it is killed outright", async () => {
    const { child, initialize, call, answer, ended, folder } = serve();
    await initialize();
    call(1, endless);
    call(2, "select 2");
    await answer(2);
    assert.ok(seatsOf(folder).length >= 1);
    child.kill("SIGKILL");
    await ended;
    await noneLeft(folder);
  });

  it("goes on after its engine's process was killed", async () => {
    const { child, initialize, call, answer, ended, folder } = serve();
    await initialize();
    call(1, "select 1 as one");
    await answer(1);
    const killed = seatsOf(folder);
    for (const line of killed) process.kill(Number(line.trim().split(" ")[0]), "SIGKILL");
    while (seatsOf(folder).some((line) => killed.includes(line))) await new Promise((again) => setTimeout(again, 20));
    call(2, "select 2 as two");
    assert.match(await answer(2), /two\\n2/);
    child.stdin.end();
    await ended;
  });

  it("answers others while several slow statements run on DuckDB", async () => {
    const { child, call, callOn, initialize, answer, ended } = serve();
    await initialize();
    const slow = "select count(*) from range(1000000) a, range(1000000) b where a.range % 7 = b.range % 5";
    for (const id of [1, 2, 3]) callOn("lake", id, slow);
    callOn("lake", 4, "select 4 as four");
    assert.match(await answer(4), /four\\n4/);
    call(5, "select 5 as five");
    assert.match(await answer(5), /five\\n5/);
    child.kill("SIGTERM");
    await ended;
  });

  it("leaves one trace per call: root, connect, policy, execute, shape, serialize, and no word of the SQL", async () => {
    const { child, initialize, call, answer, ended, folder } = serve();
    await initialize();
    call(1, "select 'canary-in-a-literal' as x");
    const text = await answer(1);
    child.stdin.end();
    await ended;
    const [, traceId = ""] = /trace ([0-9a-f]{32})/.exec(text) ?? [];
    const file = readFileSync(join(folder, "state/traces/traces.jsonl"), "utf8");
    const line = file.split("\n").find((entry) => entry.includes(traceId)) ?? assert.fail("the call left no trace");
    const names = [...line.matchAll(/"name":"([a-z/ ]+)"/g)].map(([, name]) => name);
    for (const wanted of ["tools/call query", "connect", "policy", "execute", "shape", "serialize"])
      assert.ok(names.includes(wanted), wanted);
    assert.doesNotMatch(file, /canary/);
  });
});

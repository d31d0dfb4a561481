import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, describe, it } from "node:test";
import { denoPath } from "../../scripts/run.ts";
import { type Outcome, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";

const ping = /ping: async \(signal\) => ready\(signal\)/;

describe("plugin test", () => {
  const home = tempFolder();
  before(async () => assert.equal((await tidegate(["plugin", "new", "mydb"], { cwd: home })).code, 0));

  /** A fresh plugin, spoiled: text added to a file of it, or its answer to a ping replaced. */
  function spoiled(change: { readonly add?: readonly [file: string, text: string]; readonly ping?: string } = {}) {
    const cwd = tempFolder();
    const folder = join(cwd, "mydb");
    cpSync(join(home, "mydb"), folder, { recursive: true });
    if (change.add) appendFileSync(join(folder, change.add[0]), change.add[1]);
    const driver = readFileSync(join(folder, "driver.ts"), "utf8");
    assert.match(driver, ping);
    if (change.ping) writeFileSync(join(folder, "driver.ts"), driver.replace(ping, `ping: ${change.ping}`));
    const run = (...args: string[]): Promise<Outcome> => tidegate(["plugin", "test", "mydb", ...args], { cwd });
    return { cwd, folder, run };
  }

  it("runs a part by its words, also as TAP and JSON", async () => {
    const { run } = spoiled();
    const text = await run("--only", "reads rows ping");
    assert.deepEqual(
      [text.code, text.stdout.endsWith("reads rows\n  ok      answers a ping\n\n2 passed, 0 failed, 0 skipped\n")],
      [0, true],
      text.stdout,
    );
    const tap = await run("--only", "ping", "--format", "tap");
    assert.equal(
      tap.stdout,
      "TAP version 14\n# driver mydb\n1..2\nok 1 - prepares: fills the database\nok 2 - reads rows: answers a ping\n# 2 passed, 0 failed, 0 skipped\n",
    );
    const { passed, cases } = JSON.parse((await run("--only", "ping", "--format", "json")).stdout);
    assert.deepEqual([passed, cases[1].state], [2, "ok"]);
    assert.match((await run("--only", "nothing like it")).stderr, /No case of the driver suite matches "nothing like it"/);
  });

  it("fails a wrong driver with what was wanted, an error with its place, and goes on", async () => {
    const wrong = await spoiled({ ping: 'async () => { throw new RangeError("no pong") }' }).run("--only", "reads rows");
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, / {2}not ok {2}answers a ping\n {10}RangeError: no pong\n {10}at .*mydb\/driver\.ts:\d+:\d+/);
    assert.match(wrong.stdout, /^\d+ passed, 2 failed, \d+ skipped$/m);
  });

  it("fails a driver that leaves an error unheard, or does not end", async () => {
    const unheard = "async () => { Promise.reject(new Error('unheard')); await new Promise((turn) => setTimeout(turn, 20)) }";
    const stray = await spoiled({ ping: unheard }).run("--only", "ping");
    assert.deepEqual([stray.code, / {10}Error: unheard/.test(stray.stdout)], [1, true], stray.stdout);
    const hung = await spoiled({ ping: "() => new Promise(() => {})" }).run("--only", "ping", "--timeout", "200ms");
    assert.deepEqual([hung.code, /It did not end within 0\.2 s/.test(hung.stdout)], [1, true], hung.stdout);
  });

  it("says of a driver that ends the process, or blocks it, in which case", async () => {
    const ended = await spoiled({ ping: "async () => process.exit(0)" }).run("--only", "ping");
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /^Error: The plugin ended the process in the case "answers a ping" \(exit code 0\)\nTry: /m);
    const blocked = await spoiled({ ping: "() => { for (;;); }" }).run("--only", "ping", "--timeout", "200ms");
    assert.equal(blocked.code, 6);
    assert.match(blocked.stderr, /^Error: The plugin blocked its thread in the case "answers a ping"/m);
  });

  it("stops at Ctrl-C, also when the plugin blocks its thread", async () => {
    const { cwd } = spoiled({ ping: "() => { for (;;); }" });
    const interrupt = { signal: "SIGINT", when: /fills the database/ } as const;
    const { code, stderr } = await tidegate(["plugin", "test", "mydb", "--only", "ping"], { cwd, interrupt });
    assert.deepEqual([code, stderr], [130, "Error: Cancelled\n"]);
  });

  it("shows the own error of a plugin that throws while it is loaded, and refuses one that ends the process", async () => {
    for (const file of ["plugin.ts", "driver-suite.ts"]) {
      const thrown = await spoiled({ add: [file, "throw new TypeError('my own bug')"] }).run();
      assert.deepEqual([thrown.code, thrown.stdout], [2, ""]);
      assert.match(thrown.stderr, new RegExp(`TypeError: my own bug\\n.*mydb/${file}:`));
      assert.match(thrown.stderr, /^Error: Plugin "mydb" failed while it was loaded\nTry: Correct the error that is shown above$/m);
    }
    for (const code of ["process.exit(0)", 'import { exit } from "node:process"; exit(0)']) {
      const exited = await spoiled({ add: ["plugin.ts", code] }).run();
      assert.equal(exited.code, 2);
      assert.match(exited.stderr, /^Error: Plugin "mydb" tried to end tidegate while it was loaded$/m);
    }
  });

  it("refuses what it cannot test, before or instead of running it", async () => {
    const { cwd, folder, run } = spoiled();
    const about = readFileSync(join(folder, "about.json"), "utf8");
    const nowhere = await tidegate(["plugin", "test", "nowhere"], { cwd });
    assert.deepEqual([nowhere.code, /There is no plugin in ".*nowhere"/.test(nowhere.stderr)], [3, true]);
    writeFileSync(join(folder, "about.json"), about.replace('"contract": 1', '"contract": 2'));
    assert.match((await run()).stderr, /it speaks contract 2, this tidegate speaks 1/);
    writeFileSync(join(folder, "about.json"), about.replace('"store.ts"', '"stroe.ts"'));
    assert.match((await run()).stderr, /imports "store\.ts", which about\.json does not list|Cannot read "stroe\.ts"/);
    writeFileSync(join(folder, "about.json"), about);
    const suite = readFileSync(join(folder, "driver-suite.ts"), "utf8");
    writeFileSync(join(folder, "driver-suite.ts"), suite.replace('"writes files its own way"', '"writes filse its own way"'));
    assert.match((await run()).stderr, /No case of the driver suite is called "writes filse its own way"/);
    writeFileSync(join(folder, "driver-suite.ts"), "export default 1");
    assert.match((await run()).stderr, /"driver-suite\.ts" has no default export that makes a suite/);
    rmSync(join(folder, "driver-suite.ts"));
    assert.match((await run()).stderr, /There is no driver-suite\.ts or driver-suite\.js/);
    writeFileSync(join(folder, "plugin.ts"), "export default () => ({})");
    assert.match((await run()).stderr, /Plugin "mydb" offers no driver to test/);
  });

  it("takes a plugin of plain JavaScript", async () => {
    const { folder, run } = spoiled();
    const bundled = (file: string) =>
      execFileSync(process.execPath, ["build", "--target=node", "--format=esm", file, "--outfile", file.replace(".ts", ".js")], {
        cwd: folder,
      });
    for (const file of ["plugin.ts", "driver-suite.ts"]) bundled(file);
    for (const file of ["driver-suite.ts", "plugin.ts", "driver.ts"]) rmSync(join(folder, file));
    writeFileSync(join(folder, "about.json"), JSON.stringify({ name: "mydb", version: "1.0.0", schemes: ["mydb"], entry: "plugin.js" }));
    const { code, stdout, stderr } = await run("--only", "describes itself");
    assert.deepEqual([code, stderr], [0, ""], stdout);
  });

  it("runs the same from source under Deno", () => {
    const { cwd } = spoiled();
    const root = resolve(import.meta.dirname, "../..");
    const args = [
      "run",
      "-A",
      "--config",
      join(root, "deno.json"),
      join(root, "cli/main.ts"),
      "plugin",
      "test",
      "mydb",
      "--only",
      "reads rows",
    ];
    const stdout = execFileSync(denoPath(), args, { cwd, env: privateEnvironment(cwd), encoding: "utf8" });
    assert.match(stdout, /^\d+ passed, 0 failed, \d+ skipped$/m);
  });
});

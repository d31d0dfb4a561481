import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";
import { denoPath } from "../../scripts/run.ts";
import { type Outcome, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { installTinyPlugin, type TinyPlugin } from "../support/tiny-plugin.ts";

const root = resolve(import.meta.dirname, "../..");

function withPlugin(change: TinyPlugin = {}, args: readonly string[] = ["query", "tiny:here", "select 1"]): Promise<Outcome> {
  const folder = tempFolder();
  installTinyPlugin(join(folder, "data/plugins"), change);
  return tidegate(args, { cwd: folder });
}

describe("a plugin built elsewhere", () => {
  it("is loaded by the compiled binary at run time", async () => {
    const { stdout, stderr, code } = await withPlugin();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^answer,pid\ntiny says here select 1,\d+\n$/);
  });

  it("gets a process of its own when its engine blocks", async () => {
    const { stdout, stderr } = await withPlugin({ blocking: true });
    assert.match(stdout, /^answer,pid\ntiny says here select 1,\d+\n$/, stderr);
  });

  it("stands behind the same gate as the built-in ones", async () => {
    const { code, stderr } = await withPlugin({}, ["query", "tiny:here", "delete from t"]);
    assert.equal(code, 4);
    assert.match(stderr, /gate is closed/);
  });

  it("is loaded the same way by the source under Deno", () => {
    const folder = tempFolder();
    installTinyPlugin(join(folder, "data/plugins"));
    const args = ["run", "-A", "--config", join(root, "deno.json"), join(root, "cli/main.ts"), "query", "tiny:there", "select 2"];
    const stdout = execFileSync(denoPath(), args, {
      cwd: folder,
      env: privateEnvironment(folder),
      encoding: "utf8",
    });
    assert.match(stdout, /^answer,pid\ntiny says there select 2,\d+\n$/);
  });

  it("runs by the task that the README names", () => {
    const folder = tempFolder();
    const env = { ...privateEnvironment(folder), PATH: `${dirname(denoPath())}:${process.env.PATH}` };
    const stdout = execFileSync("deno", ["task", "--config", join(root, "deno.json"), "start", "--version"], {
      cwd: root,
      env,
      encoding: "utf8",
    });
    assert.match(stdout, /^tidegate \d/);
  });

  it("is listed by doctor", async () => {
    assert.match((await withPlugin({}, ["doctor"])).stdout, /plugin\s+tiny\s+1\.0\.0, serves tiny/);
  });
});

describe("a plugin that does not fit is refused before its code runs", () => {
  const trap = (folder: string) =>
    `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(join(folder, "ran"))}, ""); export default () => ({})`;
  const cases: readonly (readonly [string, TinyPlugin["manifest"], RegExp])[] = [
    ["for another contract", { contract: 2 }, /it speaks contract 2, this tidegate speaks 1/],
    ["for another platform", { platform: "plan9-mips" }, /it is built for plan9-mips, this machine is/],
    ["with code that was changed", {}, /"index\.js" is not the file that was published/],
    [
      "with an entry outside its folder",
      { entry: "../evil.js", files: { "../evil.js": { sha256: "0".repeat(64), size: 1 } } },
      /leads out of its folder/,
    ],
  ];
  for (const [what, manifest, message] of cases) {
    it(what, async () => {
      const folder = tempFolder();
      installTinyPlugin(join(folder, "data/plugins"), { ...(manifest && { manifest }), code: trap(folder) });
      const { code, stderr, stdout } = await tidegate(["query", "tiny:here", "select 1"], { cwd: folder });
      assert.match(stderr, message);
      assert.match(stderr, /^Try: /m);
      assert.deepEqual({ code, stdout, ran: existsSync(join(folder, "ran")) }, { code: 2, stdout: "", ran: false });
    });
  }

  it("with a manifest that is no JSON, or a plugin that throws, names the folder", async () => {
    const folder = tempFolder();
    const plugin = installTinyPlugin(join(folder, "data/plugins"));
    writeFileSync(join(plugin, "manifest.json"), "{");
    const broken = await tidegate(["doctor"], { cwd: folder });
    assert.match(broken.stdout, /! plugin\s+tiny\s+Cannot read the plugin in .*manifest\.json is missing or not JSON/);
    assert.equal(broken.code, 6);
  });

  it("does not stop anything else", async () => {
    assert.equal((await withPlugin({ manifest: { contract: 2 } }, ["query", ":memory:", "select 1 as x"])).stdout, "x\n1\n");
  });
});

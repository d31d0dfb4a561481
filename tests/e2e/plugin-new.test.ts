import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { type Outcome, tempFolder, tidegate } from "../support/binary.ts";

const root = resolve(import.meta.dirname, "../..");
const query = ["query", "mydb:sample", "select number, 'x' as word from numbers limit 2"];
const answer = "number,word\n1,x\n2,x\n";

function setUp() {
  const cwd = tempFolder();
  const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> => tidegate(args, { cwd, env });
  /** The folder's parent in the place of the plugin folder. */
  const here = { TIDEGATE_PLUGINS_FOLDER: "." };
  return { cwd, run, here, made: (file: string) => join(cwd, "mydb", file) };
}

describe("plugin new", () => {
  it("makes a driver that answers through the binary, and passes the suite, as it is", async () => {
    const { run, here } = setUp();
    const { code, stdout, stderr } = await run(["plugin", "new", "mydb"]);
    assert.deepEqual([code, /^mydb +\d+ files in \.\/mydb\n$/.test(stdout)], [0, true], stderr);
    assert.match(stderr, /tidegate plugin test \.\/mydb/);
    const answered = await run(query, here);
    assert.equal(answered.stdout, answer, answered.stderr);
    const tested = await run(["plugin", "test", "mydb"]);
    assert.equal(tested.code, 0, tested.stdout);
    assert.match(tested.stdout, /^\d+ passed, 0 failed, \d+ skipped$/m);
    const proved = await run(["doctor", "mydb:sample"], here);
    assert.match(proved.stdout, /read-only verified/);
  });

  it("makes what an editor understands: the types hold without a package", async () => {
    const { run, cwd } = setUp();
    await run(["plugin", "new", "mydb"]);
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], {
      cwd: join(cwd, "mydb"),
      encoding: "utf8",
    });
  });

  it("goes where it is told to, and prints JSON", async () => {
    const { run, cwd } = setUp();
    const { stdout } = await run(["plugin", "new", "mydb", "--folder", "deep/er", "--format", "json"]);
    const [{ name, folder, files }] = JSON.parse(stdout);
    assert.deepEqual([name, folder, files.includes("driver.ts")], ["mydb", "deep/er", true]);
    assert.deepEqual(readdirSync(cwd), ["deep"]);
  });

  it("refuses names that are none or taken, and a folder that exists, and writes nothing", async () => {
    const { run, cwd } = setUp();
    for (const [name, code, message] of [
      ["sqlite", 3, /^Error: Cannot call a plugin "sqlite": it is built in\nTry: Choose another name: tidegate plugin new my-sqlite$/m],
      ["mariadb", 3, /it is the name of a known driver/],
      ["a", 2, /wanted two or more small letters/],
      ["MyDb", 2, /wanted two or more small letters/],
      ["../evil", 2, /wanted two or more small letters/],
    ] as const) {
      const outcome = await run(["plugin", "new", name]);
      assert.deepEqual([outcome.code, outcome.stdout], [code, ""], name);
      assert.match(outcome.stderr, message);
    }
    assert.deepEqual(readdirSync(cwd), []);
    writeFileSync(join(cwd, "mydb"), "mine");
    assert.match((await run(["plugin", "new", "mydb"])).stderr, /mydb" exists already\nTry: Name another folder with --folder/);
    assert.equal(readFileSync(join(cwd, "mydb"), "utf8"), "mine");
  });
});

describe("plugin pack", () => {
  it("makes a changed folder loadable again, and says so where it is not", async () => {
    const { run, here, made } = setUp();
    await run(["plugin", "new", "mydb"]);
    appendFileSync(made("driver.ts"), "// changed\n");
    const refused = await run(query, here);
    assert.match(refused.stderr, /"driver.ts" is not the file that was published/);
    const [, command = ""] = /^Try: If you changed it yourself, run: tidegate (.*)$/m.exec(refused.stderr) ?? [];
    assert.match((await run(command.split(" "))).stdout, /^mydb +0\.1\.0 can be loaded: 5 files in manifest\.json\n$/);
    assert.equal((await run(query, here)).stdout, answer);
  });

  it("publishes into a registry that others install from, who trust its key", async () => {
    const { run, made, cwd } = setUp();
    await run(["plugin", "new", "mydb"]);
    const keys = (await run(["plugin", "key", "me.pem"])).stdout.trim();
    assert.equal((await run(["plugin", "key", "me.pem", "--name", "acme"])).stdout.trim(), keys.replace("me:", "acme:"));
    const publish = ["plugin", "pack", "mydb", "--registry", "registry", "--key", "me.pem"];
    const packed = await run(publish);
    assert.match(packed.stdout, /^mydb {2}0\.1\.0 {2}mydb-0\.1\.0-any\.tgz {2}\d+ KB, signed by me:\S{44}\n$/, packed.stderr);
    const env = { TIDEGATE_PLUGINS_KEYS: keys, TIDEGATE_PLUGIN_REGISTRY: join(cwd, "registry") };
    assert.match((await run(["plugin", "install", "mydb"])).stderr, /^Error: /m);
    const installed = await run(["plugin", "install", "mydb"], env);
    assert.deepEqual([installed.code, installed.stdout], [0, "mydb  0.1.0 installed\n"], installed.stderr);
    assert.equal((await run(query)).stdout, answer);
    assert.match((await run(["plugin", "verify"], env)).stdout, /and the manifest as me signed it/);
    appendFileSync(made("driver.ts"), "// changed\n");
    assert.match((await run(publish)).stderr, /has another mydb 0\.1\.0 already\nTry: Raise "version" in about\.json/);
    writeFileSync(made("about.json"), readFileSync(made("about.json"), "utf8").replace("0.1.0", "0.2.0"));
    assert.equal((await run(publish)).code, 0);
    assert.equal((await run(["plugin", "update"], env)).stdout, "mydb  0.2.0 installed\n");
  });

  it("refuses what it could not vouch for", async () => {
    const { run, made } = setUp();
    await run(["plugin", "new", "mydb"]);
    for (const [args, code, message] of [
      [["nowhere"], 3, /There is no plugin in ".*nowhere": it has no about\.json/],
      [["mydb", "--registry", "r"], 2, /no key is named\nTry: Make one: tidegate plugin key signing\.pem/],
      [["mydb", "--key", "k.pem"], 2, /A folder is not signed/],
      [["mydb", "--registry", "r", "--key", "k.pem"], 3, /There is no signing key at/],
      [["mydb", "--registry", "r", "--key", "mydb/about.json"], 2, /it is no private key in PEM/],
    ] as const) {
      const outcome = await run(["plugin", "pack", ...args]);
      assert.match(outcome.stderr, message);
      assert.deepEqual([outcome.code, outcome.stdout], [code, ""]);
    }
    appendFileSync(made("driver.ts"), 'import "./extra.ts";\n');
    writeFileSync(made("extra.ts"), "");
    assert.match((await run(["plugin", "pack", "mydb"])).stderr, /"driver\.ts" imports "extra\.ts", which about\.json does not list/);
  });
});

describe("a plugin that throws or ends the process while it is loaded", () => {
  for (const [what, code, message] of [
    [
      "throws",
      "throw new TypeError('my own bug')",
      /^Error: Plugin "mydb" failed while it was loaded\nTry: Run again with --log-level debug/m,
    ],
    ["ends the process", "process.exit(0)", /^Error: Plugin "mydb" tried to end tidegate while it was loaded\nTry: Remove the plugin/m],
    [
      "offers nothing",
      "export { nothing as default }; function nothing() {}",
      /^Error: Plugin "mydb" offers nothing when it is activated/m,
    ],
  ] as const) {
    it(`is a problem of its own when it ${what}, and stops nothing else`, async () => {
      const { run, here, made } = setUp();
      await run(["plugin", "new", "mydb"]);
      writeFileSync(made("plugin.ts"), code);
      await run(["plugin", "pack", "mydb"]);
      const refused = await run(query, here);
      assert.deepEqual([refused.code, refused.stdout], [2, ""]);
      assert.match(refused.stderr, message);
      const debugged = await run([...query, "--log-level", "debug"], here);
      assert.equal(/TypeError: my own bug/.test(debugged.stderr), what === "throws");
      assert.equal((await run(["query", ":memory:", "select 1 as x"], here)).stdout, "x\n1\n");
    });
  }
});

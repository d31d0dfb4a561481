import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pack } from "../../core/plugin/author/pack.ts";
import { bundlePlugin } from "../../scripts/pack-plugin.ts";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { createTestRegistry, newKey } from "../support/plugin-registry.ts";

const answer = /^answer,pid\ntiny says here select 1,\d+\n$/;
const query = ["query", "tiny:here", "select 1"];

/** One person's machine and one registry. `installed` lists all that is in the plugin folder, hidden or not. */
function setUp() {
  const registry = createTestRegistry();
  const cwd = tempFolder();
  const plugins = join(cwd, "data/plugins");
  const run = (args: readonly string[], env: Record<string, string> = {}) => tidegate(args, { cwd, env: { ...registry.env(), ...env } });
  return { registry, cwd, plugins, run, installed: () => (existsSync(plugins) ? readdirSync(plugins) : []) };
}

describe("tidegate plugin", () => {
  it("finds, explains, installs, uses, checks and removes a driver", async () => {
    const { registry, run, installed } = setUp();
    registry.publish([registry.pack(), registry.pack({ name: "other", title: "Another", schemes: ["other"] })]);
    assert.equal((await run(["plugin", "search", "tin"])).stdout, "tiny  1.0.0  Tiny  tiny  1 KB\n");
    assert.match((await run(["plugin", "info", "tiny"])).stdout, /^needs +network, env \(TINY\)$/m);
    const install = await run(["plugin", "install", "tiny"]);
    assert.deepEqual([install.code, install.stdout], [0, "tiny  1.0.0 installed\n"], install.stderr);
    assert.match(install.stderr, /^Tiny 1.0.0, 1 KB, signed by tester; needs: network, env \(TINY\)$/m);
    assert.match((await run(query)).stdout, answer);
    assert.match(
      (await run(["plugin", "verify"])).stdout,
      /tiny +1.0.0, 1 files as its manifest lists them, and the manifest as tester signed it/,
    );
    const [, , listed] = JSON.parse((await run(["plugin", "list", "--format", "json"])).stdout);
    assert.deepEqual([listed.name, listed.version, listed.schemes, listed.from], ["tiny", "1.0.0", ["tiny"], "signed by tester"]);
    assert.equal((await run(["plugin", "install", "tiny"])).stdout, "tiny  1.0.0 is already installed\n");
    assert.equal((await run(["plugin", "remove", "tiny"])).stdout, "tiny  removed\n");
    assert.deepEqual(installed(), []);
    assert.equal((await run(["plugin", "remove", "tiny"])).code, 3);
  });

  it("updates to the newest version, and goes back to a named one", async () => {
    const { registry, run } = setUp();
    const old = registry.pack();
    registry.publish([old]);
    await run(["plugin", "install", "tiny"]);
    registry.publish([old, registry.pack({ version: "1.2.0" }), registry.pack({ version: "9.0.0" }, { platform: "plan9-mips" })], 2);
    assert.equal((await run(["plugin", "update"])).stdout, "tiny  1.2.0 installed\n");
    assert.match((await run(["plugin", "update"])).stderr, /Every plugin is the newest there is/);
    assert.equal((await run(["plugin", "install", "tiny@1.0.0"])).stdout, "tiny  1.0.0 installed\n");
  });

  it("says what is wrong with a file that was changed, added or removed, and installs it again", async () => {
    const { registry, run, plugins } = setUp();
    registry.publish([registry.pack()]);
    await run(["plugin", "install", "tiny"]);
    writeFileSync(join(plugins, "tiny/extra.js"), "");
    const extra = await run(["plugin", "verify"]);
    assert.match(extra.stdout, /^! +tiny .*"extra.js" does not belong to it$/m);
    assert.deepEqual([extra.code, /Try: Install it again: tidegate plugin install tiny/.test(extra.stderr)], [2, true]);
    appendFileSync(join(plugins, "tiny/index.js"), " ");
    assert.match((await run(["plugin", "verify", "tiny"])).stdout, /"index.js" is not the file that was published/);
    assert.equal((await run(["plugin", "install", "tiny"])).stdout, "tiny  1.0.0 installed\n");
    const elsewhere = await run(["plugin", "verify"], { TIDEGATE_PLUGIN_REGISTRY: "http://127.0.0.1:1" });
    assert.match(elsewhere.stdout, /and the manifest as tester signed it/);
    const manifest = join(plugins, "tiny/manifest.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"Tiny"', '"Tony"'));
    assert.match((await run(["plugin", "verify"])).stdout, /manifest.json has sha256 [0-9a-f]{12}…, the signed index says/);
  });
});

describe("a plugin whose code and manifest were both changed", () => {
  it("is found by verify, and installed again as verify says", async () => {
    const { registry, run, plugins } = setUp();
    registry.publish([registry.pack()]);
    await run(["plugin", "install", "tiny"]);
    const [code, path] = [Buffer.from("export default () => ({})"), join(plugins, "tiny/manifest.json")];
    writeFileSync(join(plugins, "tiny/index.js"), code);
    const sum = { sha256: createHash("sha256").update(code).digest("hex"), size: code.length };
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), files: { "index.js": sum } }));
    const found = await run(["plugin", "verify"]);
    assert.equal(found.code, 2);
    assert.match(found.stderr, /Try: Install it again: tidegate plugin install tiny/);
    assert.equal((await run(["plugin", "install", "tiny"])).stdout, "tiny  1.0.0 installed\n");
    assert.equal((await run(["plugin", "verify"])).code, 0);
  });
});

describe("building a plugin", () => {
  it("gives the same archive wherever its source lies", async () => {
    const build = async () => {
      const folder = tempFolder();
      writeFileSync(join(folder, "part.ts"), "export const where: string = import.meta.dirname + __dirname;");
      writeFileSync(join(folder, "plugin.ts"), 'import { where } from "./part.ts"; export default () => ({ drivers: [], where });');
      const about = { name: "made", version: "1.0.0", schemes: ["made"], needs: {} };
      return pack(about, { platform: "any", files: new Map([["index.js", await bundlePlugin(folder)]]) });
    };
    assert.deepEqual(await build(), await build());
  });
});

describe("a driver that is missing when a target needs it", () => {
  it("is refused with the exact command, whether or not a registry was seen", async () => {
    const { run, installed } = setUp();
    const { code, stderr } = await run(["query", "postgresql://me:hunter2@db/x", "select 1"], {
      TIDEGATE_PLUGIN_REGISTRY: "http://127.0.0.1:1",
    });
    assert.equal(stderr, 'Error: The driver for "postgresql:" is not installed\nTry: Run: tidegate plugin install postgres\n');
    assert.deepEqual([code, installed()], [3, []]);
  });

  it("is installed without asking with --yes, or when the configuration says so", async () => {
    for (const [args, env] of [
      [[...query, "--yes"], {}],
      [query, { TIDEGATE_PLUGINS_AUTO: "true" }],
    ] as const) {
      const { registry, run } = setUp();
      registry.publish([registry.pack()]);
      const { stdout, stderr } = await run(args, env);
      assert.match(stdout, answer, stderr);
      assert.equal(stderr, "Installed tiny 1.0.0, signed by tester\n");
    }
  });

  it("is offered to a person at a terminal", async (test) => {
    const script = "/usr/bin/script";
    if (!existsSync(script)) return test.skip("there is no script(1) to make a terminal with");
    for (const [typed, wanted] of [
      ["y", /tiny says here/],
      ["n", /is not installed/],
    ] as const) {
      const { registry, cwd } = setUp();
      registry.publish([registry.pack()]);
      const shown = execFileSync(script, ["-qec", `${binary} query tiny:here 'select 1'; true`, "/dev/null"], {
        cwd,
        env: { ...privateEnvironment(cwd), ...registry.env(), SHELL: "/bin/sh", TERM: "dumb" },
        input: `${typed}\n`,
        encoding: "utf8",
      });
      assert.match(shown, /Install tiny 1.0.0, 1 KB, signed by tester\? \[Y\/n\]/);
      assert.match(shown, wanted);
    }
  });
});

describe("an altered registry installs nothing", () => {
  const cases: readonly (readonly [string, (setup: ReturnType<typeof setUp>) => void, RegExp])[] = [
    [
      "a changed archive",
      ({ registry }) => appendFileSync(join(registry.folder, "tiny-1.0.0-any.tgz"), "x"),
      /more than the \d+ bytes the index says/,
    ],
    [
      "an archive with one other byte",
      ({ registry }) => {
        const path = join(registry.folder, "tiny-1.0.0-any.tgz");
        const bytes = readFileSync(path);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
      /has sha256 [0-9a-f]{12}…, the index says [0-9a-f]{12}…/,
    ],
    [
      "an index with another byte",
      ({ registry }) => appendFileSync(join(registry.folder, "index.json"), " "),
      /changed, or signed by another key/,
    ],
    ["no signature", ({ registry }) => truncateSync(join(registry.folder, "index.json.sig")), /changed, or signed by another key/],
    ["a stranger's signature", ({ registry }) => registry.publish([registry.pack()], 2, newKey("stranger")), /trusted ones \(.*tester\)/],
    [
      "a build for another machine",
      ({ registry }) => registry.publish([registry.pack({}, { platform: "plan9-mips" })], 2),
      /built for plan9-mips, this machine is/,
    ],
    [
      "a build for another contract",
      ({ registry }) => registry.publish([registry.pack({}, { manifest: { contract: 2 } })], 2),
      /speaks contract 2, this tidegate speaks 1/,
    ],
    [
      "a manifest that says something else",
      ({ registry }) => registry.publish([{ ...registry.pack(), version: "7.0.0" }], 2),
      /version "1.0.0", the index says "7.0.0"/,
    ],
  ];
  for (const [what, alter, message] of cases) {
    it(what, async () => {
      const setup = setUp();
      setup.registry.publish([setup.registry.pack()]);
      alter(setup);
      const { code, stderr, stdout } = await setup.run(["plugin", "install", "tiny"]);
      assert.match(stderr, message);
      assert.match(stderr, /^Try: /m);
      assert.deepEqual([code, stdout, setup.installed()], [2, "", []]);
    });
  }

  it("an older index than the one seen before", async () => {
    const { registry, run, installed } = setUp();
    registry.publish([registry.pack()], 7);
    await run(["plugin", "search"]);
    registry.publish([registry.pack()], 6);
    const { code, stderr } = await run(["plugin", "install", "tiny"]);
    assert.match(stderr, /older than one seen before \(serial 6, seen 7\)/);
    assert.deepEqual([code, installed()], [2, []]);
  });
});

describe("the lock of a project", () => {
  it("pins what is installed, and gives the same on a machine without a network", async () => {
    const { registry, run, cwd } = setUp();
    writeFileSync(join(cwd, "tidegate.yaml"), "connections:\n  t: tiny:here\n");
    registry.publish([registry.pack(), registry.pack({ version: "0.9.0" })]);
    await run(["plugin", "install", "tiny@0.9.0"]);
    const lock = readFileSync(join(cwd, "tidegate-plugins.lock"), "utf8");
    assert.deepEqual([JSON.parse(lock).plugins.tiny.version, Object.keys(JSON.parse(lock).plugins.tiny.archives)], ["0.9.0", ["any"]]);

    const elsewhere = tempFolder();
    mkdirSync(join(elsewhere, "deep"));
    for (const name of ["tidegate.yaml", "tidegate-plugins.lock"]) writeFileSync(join(elsewhere, name), readFileSync(join(cwd, name)));
    const offline = (args: readonly string[]) =>
      tidegate(args, {
        cwd: join(elsewhere, "deep"),
        env: { ...registry.env("http://127.0.0.1:1"), HTTP_PROXY: "http://127.0.0.1:1", HOME: elsewhere },
      });
    const synced = await offline(["plugin", "sync", "--offline", registry.folder]);
    assert.deepEqual([synced.code, synced.stdout], [0, "tiny  0.9.0 installed\n"], synced.stderr);
    assert.equal((await offline(["plugin", "sync", "--offline", registry.folder])).stdout, "tiny  0.9.0 is already installed\n");
    assert.match((await offline(["query", "t", "select 1"])).stdout, answer);
    await run(["plugin", "remove", "tiny"]);
    assert.deepEqual(JSON.parse(readFileSync(join(cwd, "tidegate-plugins.lock"), "utf8")).plugins, {});
  });

  it("loses nothing when several processes change it at once", async () => {
    const { registry, run, cwd } = setUp();
    writeFileSync(join(cwd, "tidegate.yaml"), "limits: {}\n");
    const names = ["aa", "bb", "cc", "dd", "ee", "ff"];
    registry.publish(names.map((name) => registry.pack({ name, schemes: [name] })));
    const pinnedNames = () => Object.keys(JSON.parse(readFileSync(join(cwd, "tidegate-plugins.lock"), "utf8")).plugins);
    await Promise.all(names.map((name) => run(["plugin", "install", name])));
    assert.deepEqual(pinnedNames(), names);
    await Promise.all(names.slice(1).map((name) => run(["plugin", "remove", name])));
    assert.deepEqual(pinnedNames(), ["aa"]);
    assert.deepEqual(readdirSync(cwd).sort(), ["data", "tidegate-plugins.lock", "tidegate.yaml"]);
  });

  it("is followed on first use, and refuses another archive under the pinned version", async () => {
    const { registry, run, cwd, installed } = setUp();
    registry.publish([registry.pack(), registry.pack({ version: "2.0.0" })]);
    const sha256 = registry.pack().sha256;
    const lock = (sum: string) => ({ schema: 1, plugins: { tiny: { version: "1.0.0", archives: { any: sum } } } });
    writeFileSync(join(cwd, "tidegate-plugins.lock"), JSON.stringify(lock("0".repeat(64))));
    assert.match((await run(["plugin", "sync"])).stderr, /pins tiny 1.0.0 with sha256 000000000000…, the registry has/);
    assert.deepEqual(installed(), []);
    writeFileSync(join(cwd, "tidegate-plugins.lock"), JSON.stringify(lock(sha256)));
    assert.equal((await run([...query, "--yes"])).stderr, "Installed tiny 1.0.0, signed by tester\n");
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of configuration files.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import type { Flags } from "../../core/config/flags.ts";
import { createConfigFolder, problemOf } from "../support/config-folder.ts";

let folder = createConfigFolder();
beforeEach(() => {
  folder.remove();
  folder = createConfigFolder();
});
after(() => folder.remove());

const userFile = ".config/tidegate/config.yaml";

describe("the configuration", () => {
  it("is complete without any file", async () => {
    const config = await folder.load();
    assert.deepEqual(config.limits, {
      maxRows: 10_000,
      inlineRows: 100,
      inlineBytes: 24 * 1024,
      frameBytes: 4 * 1024 * 1024,
      timeoutMillis: 30_000,
      maxConcurrent: 4,
    });
    assert.equal(config.export.folder, folder.path(".local/state/tidegate/exports"));
    assert.equal(config.plugins.folder, folder.path(".local/share/tidegate/plugins"));
    assert.deepEqual([config.telemetry.traces, config.log], ["file", { level: "warn", format: "text" }]);
    assert.deepEqual([Object.keys(config.connections), config.files, config.warnings], [[], [], []]);
    assert.ok(Object.values(config.origins).every(({ from }) => from === "default"));
  });

  it("lets flags win over the environment, that over the project, that over the user, that over defaults", async () => {
    const written = (rows: number) => `limits:\n  maxRows: ${rows}\n`;
    const layers: [string, () => void, { env?: Record<string, string>; flags?: Flags }, unknown][] = [
      ["user", () => folder.write(userFile, written(2)), {}, { from: "file", file: folder.path(userFile), line: 2 }],
      [
        "project",
        () => folder.write("project/tidegate.yaml", written(3)),
        {},
        { from: "file", file: folder.path("project/tidegate.yaml"), line: 2 },
      ],
      [
        "environment",
        () => undefined,
        { env: { TIDEGATE_LIMITS_MAX_ROWS: "4" } },
        { from: "environment", variable: "TIDEGATE_LIMITS_MAX_ROWS" },
      ],
      ["flags", () => undefined, { env: { TIDEGATE_LIMITS_MAX_ROWS: "4" }, flags: { limits: { maxRows: "5" } } }, { from: "flag" }],
    ];
    for (const [index, [name, prepare, options, origin]] of layers.entries()) {
      prepare();
      const config = await folder.load(options);
      assert.equal(config.limits.maxRows, index + 2, name);
      assert.deepEqual(config.origins["limits.maxRows"], origin, name);
    }
  });

  it("merges key by key and says where each value came from", async () => {
    folder.write(userFile, "limits:\n  timeout: 5m\n  inlineRows: 7\n");
    const config = await folder.loadText("limits: { timeout: 1.5s }\nlog:\n  level: debug\n", {
      env: { TIDEGATE_TELEMETRY_TRACES: "off" },
    });
    assert.deepEqual(
      [config.limits.timeoutMillis, config.limits.inlineRows, config.log.level, config.telemetry.traces],
      [1500, 7, "debug", "off"],
    );
    const at = (path: string) => {
      const origin = config.origins[path];
      return origin?.from === "file" ? `${origin.file}:${origin.line}` : origin?.from;
    };
    assert.equal(at("limits.timeout"), `${folder.path("project/tidegate.yaml")}:1`);
    assert.equal(at("limits.inlineRows"), `${folder.path(userFile)}:3`);
    assert.equal(at("telemetry.traces"), "environment");
    assert.equal(at("log.format"), "default");
    assert.deepEqual(config.files, [folder.path("project/tidegate.yaml"), folder.path(userFile)]);
  });

  it("takes a connection whole from the strongest file, so that no project opens the gate of the user's connection", async () => {
    folder.write(userFile, "connections:\n  sales: { url: 'postgres://h/sales', options: { sslmode: require } }\n  mine: ./mine.db\n");
    const stolen = await problemOf(folder.loadText("connections:\n  sales: { write: true }\n"));
    assert.match(stolen.message, /connections\.sales\.target \(line 2\): current value nothing, wanted/);
    const config = await folder.loadText("connections:\n  sales: { target: ./sales.db, write: true }\n");
    assert.deepEqual(config.connections.sales, { name: "sales", target: "./sales.db", folder: folder.project, write: true, options: {} });
    assert.equal(config.connections.mine?.folder, folder.path(".config/tidegate"));
  });

  it("reads every form of a connection", async () => {
    const config = await folder.loadText(`connections:
  a: ./a.db
  b_1:
    url: sqlite:b.db?mode=ro
    write: true
    description: Orders
    timeout: 2m
    maxRows: 9
    options: { pool: 1.10, big: 12345678901234567890, on: true, text: "x" }
`);
    assert.deepEqual(Object.keys(config.connections), ["a", "b_1"]);
    assert.deepEqual(config.connections.b_1, {
      name: "b_1",
      target: "sqlite:b.db?mode=ro",
      folder: folder.project,
      write: true,
      description: "Orders",
      timeoutMillis: 120_000,
      maxRows: 9,
      options: { pool: "1.10", big: "12345678901234567890", on: "true", text: "x" },
    });
    assert.deepEqual(config.origins["connections.b_1.target"], { from: "file", file: folder.path("project/tidegate.yaml"), line: 4 });
    assert.deepEqual(config.origins["connections.a.write"], { from: "default" });
  });

  it("has no connection that nobody configured", async () => {
    const config = await folder.load();
    for (const name of ["constructor", "toString", "__proto__"]) assert.equal(config.connections[name], undefined);
  });

  it("takes connections and folders from the command line relative to where it was typed", async () => {
    const config = await folder.load({ flags: { connections: { shop: "./shop.db" }, export: { folder: "out" } } });
    assert.deepEqual(config.connections.shop, { name: "shop", target: "./shop.db", folder: folder.project, write: false, options: {} });
    assert.equal(config.export.folder, join(folder.project, "out"));
  });

  it("starts relative folders at the file and ~ at the home folder", async () => {
    folder.write(userFile, "plugins: { folder: ~/plugins }\n");
    const config = await folder.loadText("export: { folder: out }\n", { from: "project" });
    assert.equal(config.export.folder, join(folder.project, "out"));
    assert.equal(config.plugins.folder, folder.path("plugins"));
  });

  it("accepts an empty file, empty sections, anchors and a byte order mark", async () => {
    for (const text of ["", "# nothing\n", "limits:\nconnections:\n", "\uFEFFlimits: { maxRows: 10000 }\n", "log: &a { level: warn }\n"]) {
      assert.equal((await folder.loadText(text)).limits.maxRows, 10_000, text);
    }
    const shared = await folder.loadText("connections:\n  a: &a { target: x, options: { k: v } }\n  b: *a\n");
    assert.deepEqual(shared.connections.b?.options, { k: "v" });
  });
});

describe("where the configuration is looked for", () => {
  it("is the working folder and those above it, the nearest first", async () => {
    folder.write("tidegate.yaml", "limits: { maxRows: 1 }\n");
    folder.write("project/deep/er/x", "");
    assert.equal((await folder.load({ from: "project/deep/er" })).limits.maxRows, 1);
    folder.write("project/tidegate.yaml", "limits: { maxRows: 2 }\n");
    assert.equal((await folder.load({ from: "project/deep/er" })).limits.maxRows, 2);
  });

  it("ends at a repository's root and at the home folder", async () => {
    folder.write("tidegate.yaml", "limits: { maxRows: 1 }\n");
    mkdirSync(folder.path("project/repository/.git"), { recursive: true });
    assert.equal((await folder.load()).files.length, 1);
    assert.deepEqual((await folder.load({ from: "project/repository" })).files, []);
    assert.deepEqual((await folder.load({ env: { HOME: folder.project } })).files, []);
  });

  it("honours XDG_CONFIG_HOME when it is absolute", async () => {
    folder.write("xdg/tidegate/config.yaml", "limits: { maxRows: 1 }\n");
    assert.equal((await folder.load({ env: { XDG_CONFIG_HOME: folder.path("xdg") } })).limits.maxRows, 1);
    assert.equal((await folder.load({ env: { XDG_CONFIG_HOME: "xdg" }, from: "" })).limits.maxRows, 10_000);
  });

  it("is only the named file when one is named, by flag or by TIDEGATE_CONFIG", async () => {
    folder.write(userFile, "limits: { maxRows: 1 }\n");
    folder.write("project/tidegate.yaml", "limits: { inlineRows: 1 }\n");
    folder.write("project/other.yaml", "plugins: { folder: ./plugins }\n");
    for (const options of [{ configPath: "other.yaml" }, { env: { TIDEGATE_CONFIG: "other.yaml" } }]) {
      const config = await folder.load(options);
      assert.deepEqual(config.files, [folder.path("project/other.yaml")]);
      assert.deepEqual([config.limits.maxRows, config.limits.inlineRows], [10_000, 100]);
      assert.equal(config.plugins.folder, join(folder.project, "plugins"));
    }
  });

  it("refuses a project file, or a folder around it, that belongs to another user", async (test) => {
    if (process.getuid?.() !== 0) return test.skip("only root can give a file to another user");
    const file = folder.write("project/tidegate.yaml", "limits: { maxRows: 1 }\n");
    execFileSync("chown", ["65534", file]);
    const refused = await problemOf(folder.load());
    assert.equal(refused.message, "Cannot load tidegate.yaml: it or its folder belongs to another user (id 65534)");
    assert.equal(refused.hint, "If you trust it, run with --config ./tidegate.yaml");
    assert.equal((await folder.load({ configPath: "./tidegate.yaml" })).limits.maxRows, 1);
    assert.equal((await folder.load({ env: { SUDO_UID: "65534" } })).limits.maxRows, 1);
    execFileSync("chown", ["0", file]);
    execFileSync("chown", ["65534", folder.project]);
    assert.equal((await problemOf(folder.load())).code, "CONFIG_INVALID");
    rmSync(file);
    symlinkSync("/nowhere", file);
    assert.equal((await problemOf(folder.load())).code, "CONFIG_INVALID");
  });

  it("does not let a project name code to run", async () => {
    const refused = await problemOf(folder.loadText("plugins:\n  folder: ./evil\n"));
    assert.match(refused.message, /^Cannot load tidegate\.yaml at plugins\.folder \(line 2\): a project file may not set this/);
    assert.match(refused.hint ?? "", /config\.yaml, or in TIDEGATE_PLUGINS_FOLDER$/);
    for (const written of ["registry: ./evil", "keys: none", "auto: true"])
      assert.match((await problemOf(folder.loadText(`plugins:\n  ${written}\n`))).message, /a project file may not set this/, written);
  });
});

describe("environment variables", () => {
  it("set every scalar setting", async () => {
    const config = await folder.load({
      env: {
        TIDEGATE_LIMITS_MAX_ROWS: "11",
        TIDEGATE_LIMITS_INLINE_BYTES: "1kb",
        TIDEGATE_LIMITS_TIMEOUT: "2h",
        TIDEGATE_TIMEOUT: "1s",
        TIDEGATE_EXPORT_FOLDER: "out",
        TIDEGATE_PLUGINS_FOLDER: "~/p",
        TIDEGATE_LOG_LEVEL: "error",
        TIDEGATE_LOG_FORMAT: "",
      },
    });
    assert.deepEqual([config.limits.maxRows, config.limits.inlineBytes, config.limits.timeoutMillis], [11, 1024, 7_200_000]);
    assert.deepEqual([config.export.folder, config.plugins.folder], [join(folder.project, "out"), folder.path("p")]);
    assert.deepEqual(config.log, { level: "error", format: "text" });
    assert.deepEqual(config.warnings, []);
    assert.equal((await folder.load({ env: { TIDEGATE_TIMEOUT: "1s" } })).limits.timeoutMillis, 1000);
  });

  it("are warned about when they mean nothing, but not when they mean something else", async () => {
    const { warnings } = await folder.load({
      env: {
        TIDEGATE_LIMITS_TIMEOT: "1s",
        TIDEGATE_STATE_DIR: "/s",
        TIDEGATE_BASE_URL: "http://x",
        TIDEGATE_SERVICE_HOST: "10.0.0.1",
        TIDEGATE_PORT_80_TCP: "x",
      },
    });
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /^The environment variable TIDEGATE_LIMITS_TIMEOT is unknown and was ignored\. Did you mean "TIDEGATE_LIMITS_TIMEOUT"/,
    );
  });

  it("are filled in where a file names them", async () => {
    const config = await folder.loadText(
      "connections:\n  a: ${A_URL}\n  b: { target: '${DIR:-/srv}/b.db', write: '${MAY}', options: { x: '$${A_URL} ${EMPTY:-z}' } }\nlimits: { maxRows: '${ROWS}' }\n",
      { env: { A_URL: "sqlite:a.db", MAY: "true", EMPTY: "", ROWS: "12" } },
    );
    assert.equal(config.connections.a?.target, "sqlite:a.db");
    assert.deepEqual(
      [config.connections.b?.target, config.connections.b?.write, config.connections.b?.options],
      ["/srv/b.db", true, { x: "${A_URL} z" }],
    );
    assert.equal(config.limits.maxRows, 12);
  });
});

describe("folders", () => {
  it("follow TIDEGATE_*_DIR, then XDG, then the home folder", async () => {
    const home = (await folder.load()).folders;
    assert.deepEqual(home, {
      home: folder.home,
      config: folder.path(".config/tidegate"),
      data: folder.path(".local/share/tidegate"),
      state: folder.path(".local/state/tidegate"),
      cache: folder.path(".cache/tidegate"),
    });
    const xdg = (await folder.load({ env: { XDG_STATE_HOME: "/x/state", XDG_CACHE_HOME: "relative", TIDEGATE_DATA_DIR: "data" } })).folders;
    assert.deepEqual([xdg.state, xdg.cache, xdg.data], ["/x/state/tidegate", folder.path(".cache/tidegate"), join(folder.project, "data")]);
  });

  it("are known without HOME", async () => {
    const { folders } = await folder.load({ env: { HOME: "" } });
    assert.ok([folders.config, folders.data, folders.state, folders.cache].every((path) => path.startsWith("/")));
  });
});

describe("where plugins come from", () => {
  const key = `${"A".repeat(43)}=`;

  it("is an address as it was written, or a folder as seen from the file", async () => {
    const registry = async (written: string) => {
      folder.write("project/other.yaml", `plugins: { registry: "${written}" }\n`);
      return (await folder.load({ configPath: "other.yaml" })).plugins.registry;
    };
    assert.equal(await registry("https://plugins.example/v1"), "https://plugins.example/v1");
    assert.equal(await registry("./bundle"), join(folder.project, "bundle"));
    assert.equal((await folder.load({ env: { TIDEGATE_PLUGIN_REGISTRY: "~/b" } })).plugins.registry, folder.path("b"));
  });

  it("is trusted by keys that look like keys", async () => {
    const keys = async (written: string) => (await folder.load({ env: { TIDEGATE_PLUGINS_KEYS: written } })).plugins.keys;
    assert.equal(await keys(`a:${key}, b@c.de:${key}`), `a:${key} b@c.de:${key}`);
    assert.deepEqual([await keys("none"), (await folder.load()).plugins.keys, (await folder.load()).plugins.auto], ["", "", false]);
    for (const wrong of ["a", key, `a:${key}x`, `a b:${key}`]) assert.equal((await problemOf(keys(wrong))).code, "CONFIG_INVALID", wrong);
  });
});

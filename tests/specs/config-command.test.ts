import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { after, beforeEach, describe, it } from "node:test";
import { parse } from "yaml";
import { configCheck, configSchema, configShow } from "../../cli/config.ts";
import { configInit } from "../../cli/config-init.ts";
import { asProblem } from "../../core/problem.ts";
import { createConfigFolder } from "../support/config-folder.ts";
import { fakeIo } from "../support/fake-io.ts";

let folder = createConfigFolder();
beforeEach(() => {
  folder.remove();
  folder = createConfigFolder();
});
after(() => folder.remove());

const world = (env: Readonly<Record<string, string>> = {}) => fakeIo({ cwd: folder.project, env: { HOME: folder.home, ...env } });
const init = (options: Parameters<typeof configInit>[1], file?: string) => configInit(file, options, world().io);
const show = async (options: Partial<Parameters<typeof configShow>[0]>, env: Readonly<Record<string, string>> = {}) => {
  const { io, data } = world(env);
  await configShow({ format: "yaml", color: true, ...options }, { io, bundled: {} });
  return data();
};

describe("config init", () => {
  it("writes a file that loads, for its owner only, and the schema it names", async () => {
    await init({ connection: ["shop=./shop.db", "odd=a: 'b' #c=d"] });
    const file = folder.path("project/tidegate.yaml");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const schema = /^# yaml-language-server: \$schema=(\.\/\S+)\n/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
    assert.equal(JSON.parse(readFileSync(folder.path(`project/${schema}`), "utf8")).title, "tidegate configuration");
    const { connections } = await folder.load();
    assert.deepEqual(
      Object.values(connections).map(({ name, target }) => [name, target]),
      [
        ["shop", "./shop.db"],
        ["odd", "a: 'b' #c=d"],
      ],
    );
  });

  it("explains settings whose commented values are the defaults", async () => {
    await init({}, "new/all.yaml");
    const file = folder.path("project/new/all.yaml");
    const uncommented = readFileSync(file, "utf8").replace(/^( *)#(?! |$)/gm, "$1");
    writeFileSync(file, uncommented);
    const [all, bare] = [await folder.load({ configPath: file }), await folder.load()];
    assert.deepEqual([all.limits, all.telemetry, all.log], [bare.limits, bare.telemetry, bare.log]);
    assert.deepEqual(Object.keys(all.connections), ["example"]);
    const written = Object.values(all.origins).filter(({ from }) => from === "file").length;
    assert.equal(written, Object.keys(bare.origins).length + 8);
  });

  it("replaces a file only when told to, and then hides it from others too", async () => {
    const file = folder.write("project/tidegate.yaml", "mine");
    const refused = await init({}).then(() => assert.fail("replaced"), asProblem);
    assert.deepEqual([refused.code, refused.message], ["CONFLICT", 'Cannot write "tidegate.yaml": it exists already']);
    assert.equal(readFileSync(file, "utf8"), "mine");
    assert.ok(!existsSync(folder.path("project/tidegate.schema.json")));
    await init({ force: true });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.notEqual(readFileSync(file, "utf8"), "mine");
  });

  it("refuses a connection it cannot name", async () => {
    for (const connection of [["x"], ["1=x"], ["a="], ["a=x", "a=y"]]) {
      assert.equal((await init({ connection }).then(() => assert.fail("accepted"), asProblem)).code, "INPUT_INVALID");
    }
    assert.ok(!existsSync(folder.path("project/tidegate.yaml")));
  });
});

describe("config check", () => {
  it("says what was read, and warns on the side", async () => {
    folder.write("project/tidegate.yaml", "connections: { constructor: x, b: y }\n");
    const { io, data, notes } = world({ TIDEGATE_LOG_LEVELS: "x" });
    await configCheck(undefined, { color: true }, { io, bundled: {} });
    assert.equal(data(), `OK: 2 connections, 1 warning (${folder.path("project/tidegate.yaml")})\n`);
    assert.match(notes().join(), /^Warning: The environment variable TIDEGATE_LOG_LEVELS is unknown/);
  });

  it("checks the file that is named, and works without any", async () => {
    const { io, data } = world();
    await configCheck(undefined, { color: true }, { io, bundled: {} });
    assert.equal(data(), "OK: 0 connections, 0 warnings (no configuration file, defaults apply)\n");
    folder.write("project/other.yaml", "limits: 5\n");
    const refused = await configCheck("other.yaml", { color: true }, { io, bundled: {} }).then(() => assert.fail("accepted"), asProblem);
    assert.match(refused.message, /^Cannot load other\.yaml at limits \(line 1\)/);
  });
});

describe("config show", () => {
  it("prints a file that means the same", async () => {
    folder.write(
      "project/tidegate.yaml",
      "connections:\n  a: { target: sqlite:a.db, timeout: 90s, maxRows: 5, write: true, description: 'x: y', options: { v: 1.10 } }\nlimits: { inlineBytes: 1536 }\n",
    );
    const before = await folder.load();
    folder.write("project/shown.yaml", await show({}));
    const again = await folder.load({ configPath: "shown.yaml" });
    assert.deepEqual(again.connections, before.connections);
    assert.deepEqual(
      [again.limits, again.export, again.telemetry, again.log, again.plugins],
      [before.limits, before.export, before.telemetry, before.log, before.plugins],
    );
  });

  it("says where each value comes from", async () => {
    folder.write("project/tidegate.yaml", "connections:\n  a: x\nlog:\n  level: info\n");
    const env = { TIDEGATE_TIMEOUT: "1m" };
    const yaml = await show({ origins: true, logFormat: "json" }, env);
    for (const line of [
      "target: x # tidegate.yaml:2",
      "level: info # tidegate.yaml:4",
      "timeout: 1m # TIDEGATE_TIMEOUT",
      "format: json # command line",
      "maxRows: 10000 # default",
    ]) {
      assert.ok(yaml.includes(`${line}\n`), `${line} in\n${yaml}`);
    }
    const json = JSON.parse(await show({ origins: true, format: "json" }, env));
    assert.deepEqual(
      [json.limits.timeout, json.connections.a.write],
      [
        { value: "1m", origin: "TIDEGATE_TIMEOUT" },
        { value: false, origin: "default" },
      ],
    );
  });

  it("prints the same in both formats", async () => {
    folder.write("project/tidegate.yaml", "connections: { constructor: x, b: { url: 'h://u:p@h', options: { token: t } } }\n");
    const json = JSON.parse(await show({ format: "json" }));
    assert.deepEqual(json.connections.constructor, { target: "x", write: false });
    assert.deepEqual(parse(await show({})), json);
  });
});

describe("config schema", () => {
  it("describes every key", async () => {
    const { io, data } = world();
    await configSchema(io);
    const undescribed: string[] = [];
    const visit = (schema: any, path: string): void => {
      for (const [key, inner] of Object.entries<any>(schema.properties ?? {})) {
        if (typeof inner.description !== "string") undescribed.push(`${path}.${key}`);
        visit(inner, `${path}.${key}`);
      }
      for (const inner of schema.anyOf ?? []) visit(inner, path);
      if (schema.additionalProperties) visit(schema.additionalProperties, `${path}.*`);
    };
    const schema = JSON.parse(data());
    visit(schema, "");
    assert.deepEqual(undescribed, []);
    assert.deepEqual(Object.keys(schema.properties), [
      "connections",
      "limits",
      "pool",
      "results",
      "export",
      "policy",
      "audit",
      "telemetry",
      "log",
      "plugins",
    ]);
    assert.deepEqual([schema.$id, schema.additionalProperties], ["urn:tidegate:config:1", false]);
  });
});

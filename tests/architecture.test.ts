import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";

const root = resolve(import.meta.dirname, "..");
const below = ["config", "secrets", "telemetry", "sql", "problem"];

/** Room → rooms it may import values from; its own files are always allowed. DESIGN: nobody imports upward. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  problem: [],
  config: ["problem", "secrets"],
  secrets: ["problem"],
  telemetry: ["problem"],
  sql: ["problem"],
  clients: ["problem"],
  plugin: below,
  connection: below,
  policy: below,
  audit: below,
  export: below,
  demo: below,
  catalog: [...below, "connection"],
  results: [...below, "export"],
  query: ["connection", "policy", "results", "sql", "telemetry", "problem"],
  tools: ["problem"],
  // What a tool may do, bound to one caller: a part of app.ts that stands by itself.
  bind: ["export", "policy", "query", "results", "problem"],
  resources: ["problem"],
  server: ["resources", "auth", "telemetry", "problem"],
  cli: ["app", "audit", "clients", "config", "demo", "plugin", "policy", "problem", "results", "secrets"],
  // The driver suite ships in the binary, see docs/decisions/0004.
  tests: ["export"],
};
/** File → what it may import beyond its room's list, and why it may. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  "core/tools/call.ts": ["telemetry"],
  "cli/main.ts": ["plugins"],
  "cli/seat.ts": ["connection"],
  "cli/plugin-test.ts": ["tests"],
  // As text, to be written into new plugins.
  "core/plugin/author/scaffold.ts": ["contract"],
};

function roomOf(file: string): string {
  const [top, second = "", third] = relative(root, file).split("/");
  if (top !== "core") return top ?? "";
  return third === undefined ? second.replace(/\.ts$/, "") : second;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(root, folder, name));
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

/** Value imports only: the transpiler drops what is imported as a type. */
function importsOf(file: string): { readonly path: string; readonly lazy: boolean }[] {
  return transpiler.scanImports(readFileSync(file, "utf8")).map(({ path, kind }) => ({
    path: path.startsWith(".") ? resolve(dirname(file), path) : path,
    lazy: kind === "dynamic-import",
  }));
}

describe("architecture", () => {
  it("lets no room import a value from a room above it", () => {
    const wrong = [...sources("core"), ...sources("cli"), ...sources("tests/contract/driver")].flatMap((file) => {
      const room = roomOf(file);
      const name = relative(root, file);
      if (room === "app") return [];
      const may = [room, ...(allowed[room] ?? assert.fail(`${name} is in a room without a rule`)), ...(exceptions[name] ?? [])];
      return importsOf(file)
        .filter(({ path }) => path.startsWith(root) && !path.endsWith("package.json") && !may.includes(roomOf(path)))
        .map(({ path }) => `${name} imports ${relative(root, path)}`);
    });
    assert.deepEqual(wrong, []);
  });

  /** One grammar, see docs/decisions/0007. */
  const guards = ["guard", "session.ts"].map((name) => join(root, "plugins/sqlite", name));

  it("lets a plugin import only its own files and packages, and libSQL the guard of SQLite", () => {
    const wrong = sources("plugins").flatMap((file) => {
      const own = join(root, "plugins", relative(join(root, "plugins"), file).split("/")[0] ?? "");
      return importsOf(file)
        .filter(({ path }) => path.startsWith(root) && !path.startsWith(own))
        .filter(({ path }) => !(own.endsWith("/libsql") && guards.some((guard) => path.startsWith(guard))))
        .map(({ path }) => `${relative(root, file)} imports ${relative(root, path)}`);
    });
    assert.deepEqual(wrong, []);
  });

  it("has no import cycles", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        const cycle = [...trail.slice(trail.indexOf(file)), file].map((name) => relative(root, name));
        // A grammar goes round in a circle, and so do the functions that read it, see docs/decisions/0005.
        const [guard] = /^plugins\/\w+\/guard\//.exec(file.slice(root.length + 1)) ?? [];
        if (guard === undefined || !cycle.every((name) => name.startsWith(guard))) cycles.push(cycle.join(" → "));
        return;
      }
      state.set(file, "open");
      for (const { path } of importsOf(file)) if (path.startsWith(root) && path.endsWith(".ts")) visit(path, [...trail, file]);
      state.set(file, "done");
    };
    for (const file of [...sources("core"), ...sources("cli"), ...sources("plugins")]) visit(file, []);
    assert.deepEqual(cycles, []);
  });

  it("compiles the contract to nothing", () => {
    for (const file of sources("core/contract")) {
      assert.equal(transpiler.transformSync(readFileSync(file, "utf8")).trim(), "", relative(root, file));
    }
  });

  it("has no room without a noun", () => {
    const files = ["core", "cli", "plugins"].flatMap(sources).map((file) => relative(root, file));
    assert.deepEqual(
      files.filter((file) => /(^|\/)(utils?|helpers?|common|shared|misc)(\/|\.ts$)|(^|\/)index\.ts$/.test(file)),
      [],
    );
  });
});

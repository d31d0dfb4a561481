import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { readAbout } from "../../core/plugin/author/about.ts";
import { packInPlace, readBuilds } from "../../core/plugin/author/pack.ts";
import { contractTexts, scaffold } from "../../core/plugin/author/scaffold.ts";
import { parse } from "../../core/plugin/author/template/sql.ts";
import { readManifest, verifyFiles } from "../../core/plugin/manifest.ts";
import { tempFolder } from "../support/binary.ts";
import { problemOf } from "../support/config-folder.ts";

const root = resolve(import.meta.dirname, "../..");

/** What a function refuses, whether it throws or rejects. */
const refused = (work: () => unknown) => problemOf(Promise.resolve().then(work));

describe("a new plugin's folder", () => {
  it("holds the contract, whole", async () => {
    assert.deepEqual(Object.keys(contractTexts).sort(), readdirSync(join(root, "core/contract")).sort());
    const folder = join(tempFolder(), "made");
    await scaffold("made", folder);
    for (const file of Object.keys(contractTexts)) {
      assert.equal(readFileSync(join(folder, "contract", file), "utf8"), readFileSync(join(root, "core/contract", file), "utf8"));
    }
  });

  it("is named throughout, and leads nowhere outside itself", async () => {
    const folder = join(tempFolder(), "made");
    const files = await scaffold("my-db", folder);
    assert.deepEqual(
      files.filter((file) => !existsSync(join(folder, file))),
      [],
    );
    for (const file of files.filter((name) => !name.startsWith("contract/"))) {
      const text = readFileSync(join(folder, file), "utf8");
      assert.doesNotMatch(text, /mydb|\.\.\/\.\./, file);
    }
    const about = readAbout(folder);
    assert.deepEqual([about.name, about.schemes], ["my-db", ["my-db"]]);
  });

  it("can be loaded as it is: its manifest lists its files as they are", async () => {
    const folder = join(tempFolder(), "made");
    await scaffold("made", folder);
    const manifest = readManifest(folder);
    verifyFiles(folder, manifest);
    assert.deepEqual(Object.keys(manifest.files), ["driver.ts", "failure.ts", "plugin.ts", "sql.ts", "store.ts"]);
  });

  it("takes no other's place, and leaves what is there as it is", async () => {
    const folder = join(tempFolder(), "there");
    mkdirSync(folder);
    assert.equal((await refused(() => scaffold("made", folder))).code, "CONFLICT");
    assert.deepEqual(readdirSync(folder), []);
    writeFileSync(join(folder, "file"), "kept");
    assert.equal((await refused(() => scaffold("made", join(folder, "file")))).code, "CONFLICT");
    assert.equal((await refused(() => scaffold("made", join(folder, "file/below")))).code, "FORBIDDEN");
    assert.equal(readFileSync(join(folder, "file"), "utf8"), "kept");
  });
});

describe("about.json", () => {
  const about = { name: "made", version: "1.0.0", schemes: ["made"], needs: {} };
  const read = (text: string) => {
    const folder = tempFolder();
    writeFileSync(join(folder, "about.json"), text);
    return readAbout(folder);
  };

  it("is refused by the field that is wrong", async () => {
    for (const [change, message] of [
      [{ name: "../made" }, /"name" is "\.\.\/made", wanted a word/],
      [{ name: undefined }, /"name" is absent/],
      [{ version: "1" }, /"version" is "1"/],
      [{ schemes: [] }, /"schemes" is \[\]/],
      [{ schemes: ["c"] }, /"schemes" is \["c"\]/],
      [{ entry: "/etc/passwd" }, /"entry" is/],
      [{ files: ["../secret"] }, /"files" is \["\.\.\/secret"\]/],
      [{ files: ["a/./b"] }, /"files" is/],
      [{ natives: { any: { "native/x.node": "../../x" } } }, /"natives" is/],
      [{ contract: "1" }, /"contract" is "1"/],
      [{ needs: [] }, /"needs" is \[\]/],
    ] as const) {
      const { code, message: said } = await refused(() => read(JSON.stringify({ ...about, ...change })));
      assert.equal(code, "PLUGIN_INVALID");
      assert.match(said, message);
    }
    for (const text of ["", "null", "[]", "{"]) assert.equal((await refused(() => read(text))).code, "PLUGIN_INVALID", text);
    assert.equal((await refused(() => readAbout(tempFolder()))).code, "NOT_FOUND");
  });

  it("must list every file that is loaded, types left out", async () => {
    const folder = tempFolder();
    const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
    mkdirSync(join(folder, "part"));
    put(
      "index.js",
      'import type { A } from "./types.ts";\nexport type { B } from "./types.ts";\nimport { b } from "./part/b.js";\nexport default b;',
    );
    put("types.ts", "export type A = 1; export type B = 2;");
    put("part/b.js", 'export const b = import("../c.js"); // from "./nowhere.js"');
    put("c.js", "");
    const builds = (files: readonly string[]) => readBuilds(folder, { ...about, files });
    assert.match((await refused(() => builds(["index.js"]))).message, /"index.js" imports "part\/b.js", which about.json does not list/);
    assert.match((await refused(() => builds(["part/b.js"]))).message, /"part\/b.js" imports "c.js"/);
    assert.deepEqual([...(builds(["part/b.js", "c.js"])[0]?.files.keys() ?? [])], ["index.js", "part/b.js", "c.js"]);
    assert.match((await refused(() => builds(["absent.js", "part/b.js", "c.js"]))).message, /Cannot read "absent.js"/);
  });

  it("is refused in place when there is no build for this machine", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "index.js"), "");
    const natives = { "plan9-mips": {} };
    assert.match(
      (await refused(() => packInPlace(folder, { ...about, natives }))).message,
      /"made" is built for plan9-mips, this machine is/,
    );
    assert.equal(existsSync(join(folder, "manifest.json")), false);
  });
});

describe("the store a new plugin stands on", () => {
  it("never takes a broken statement for a whole one", () => {
    for (const sql of [
      "select",
      "select 1 limit",
      "select 1 limit x",
      "select a from",
      "select cast(1",
      "select cast(1 as",
      "select 1 order by",
    ]) {
      assert.throws(() => parse(sql), /^Error: (The statement ends too early|Cannot read the statement at)/, sql);
    }
  });
});

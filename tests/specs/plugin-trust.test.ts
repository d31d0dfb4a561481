import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pack } from "../../core/plugin/author/pack.ts";
import { writeIndex } from "../../core/plugin/author/publish.ts";
import { publicText, type SigningKey } from "../../core/plugin/author/signing.ts";
import { chooseEntry, entryForScheme, newestEntries, type PluginEntry, readIndex } from "../../core/plugin/catalogue.ts";
import { changeLock, pinned, pinnedEntry, readLock, withPin } from "../../core/plugin/lock.ts";
import { platform } from "../../core/plugin/manifest.ts";
import { createRegistryIndex } from "../../core/plugin/signed-index.ts";
import { type Source, sourceAt } from "../../core/plugin/source.ts";
import { readKeys } from "../../core/plugin/trust.ts";
import { compareVersions } from "../../core/plugin/version.ts";
import { problem } from "../../core/problem.ts";
import { tempFolder } from "../support/binary.ts";
import { problemOf } from "../support/config-folder.ts";

const signal = new AbortController().signal;
const newKey = (name: string): SigningKey => ({ name, key: generateKeyPairSync("ed25519").privateKey });
const code = new Map([["index.js", Buffer.from("export default () => ({})")]]);

function entry(change: Partial<PluginEntry> = {}): PluginEntry {
  return { ...pack({ name: "p", version: "1.0.0", schemes: ["p"], needs: {} }, { platform: "any", files: code }).entry, ...change };
}

function createRegistry(keys?: readonly SigningKey[]) {
  const folder = tempFolder();
  const own = newKey("owner");
  const notes: string[] = [];
  const data = tempFolder();
  const trusted = readKeys((keys ?? [own]).map(publicText).join(" "));
  const at = (source: Source) => createRegistryIndex({ source, keys: trusted, folder: data, note: (line) => notes.push(line) });
  const publish = (serial: number, key = own) => void writeIndex(folder, [entry()], serial, key);
  return { folder, publish, own, notes, at, index: at(sourceAt(folder)) };
}

describe("a registry's index", () => {
  it("is read when a trusted key signed it, and says which", async () => {
    const { publish, index } = createRegistry();
    publish(1);
    const { index: read, signer } = await index.read(signal);
    assert.deepEqual([read.serial, read.plugins[0]?.name, signer], [1, "p", "owner"]);
  });

  it("is refused when one byte of it, or of its signature, was changed", async () => {
    for (const file of ["index.json", "index.json.sig"]) {
      const { publish, index, folder } = createRegistry();
      publish(1);
      if (file === "index.json") appendFileSync(join(folder, file), " ");
      else
        writeFileSync(
          join(folder, file),
          readFileSync(join(folder, file), "utf8").replace(/^./, (c) => (c === "A" ? "B" : "A")),
        );
      const refused = await problemOf(index.read(signal));
      assert.equal(refused.code, "PLUGIN_INVALID");
      assert.match(refused.message, /changed, or signed by another key than the trusted ones \(owner\)/);
    }
  });

  it("is refused when a stranger signed it, and when nobody is trusted", async () => {
    const { publish, index } = createRegistry();
    publish(1, newKey("stranger"));
    assert.equal((await problemOf(index.read(signal))).code, "PLUGIN_INVALID");
    const nobody = createRegistry([]);
    nobody.publish(1);
    assert.match((await problemOf(nobody.index.read(signal))).message, /\(there is none\)/);
  });

  it("is refused when it is older than one seen before, and read when it is the same or newer", async () => {
    const { publish, index } = createRegistry();
    publish(5);
    await index.read(signal);
    publish(4);
    assert.match((await problemOf(index.read(signal))).message, /older than one seen before \(serial 4, seen 5\)/);
    publish(5);
    assert.equal((await index.read(signal)).index.serial, 5);
    publish(6);
    assert.equal((await index.read(signal)).index.serial, 6);
  });

  it("is refused when it cannot be remembered, because an older one could not be told then", async () => {
    const { publish, folder, own } = createRegistry();
    publish(1);
    const blocked = join(tempFolder(), "data");
    writeFileSync(blocked, "");
    const keys = readKeys(publicText(own));
    const index = createRegistryIndex({ source: sourceAt(folder), keys, folder: blocked, note: () => undefined });
    const { code, message, hint } = await problemOf(index.read(signal));
    assert.deepEqual([code, hint], ["FORBIDDEN", "Name a folder of your own in TIDEGATE_DATA_DIR"]);
    assert.match(message, /^Cannot remember the registry in ".*data": the system says E\w+$/);
  });

  it("is remembered for the time when the registry is down, and only then", async () => {
    const { publish, index, at, notes, folder } = createRegistry();
    publish(3);
    await index.read(signal);
    const down: Source = { location: folder, open: () => Promise.reject(problem("CONNECTION_FAILED", "It is down")) };
    assert.equal((await at(down).read(signal)).index.serial, 3);
    assert.match(notes[0] ?? "", /^It is down; using its index of 1970-/);
    rmSync(join(folder, "index.json"));
    assert.equal((await problemOf(index.read(signal))).code, "NOT_FOUND");
  });

  it("is refused when it is no index", () => {
    for (const text of [
      "{",
      "null",
      "[]",
      '{"schema":2}',
      '{"schema":1}',
      '{"schema":1,"serial":1}',
      '{"schema":1,"serial":1,"plugins":[null]}',
    ])
      assert.throws(() => readIndex(Buffer.from(text)), { code: "PLUGIN_INVALID" }, text);
    for (const change of [{ name: "../p" }, { name: ".p" }, { file: "../p.tgz" }, { sha256: "x" }, { version: "latest" }, { size: -0.5 }]) {
      const text = JSON.stringify({ schema: 1, serial: 1, plugins: [{ ...entry(), ...change }] });
      assert.throws(() => readIndex(Buffer.from(text)), { code: "PLUGIN_INVALID" }, text);
    }
  });
});

describe("choosing from an index", () => {
  const index = (plugins: readonly PluginEntry[]) => ({ schema: 1, serial: 1, created: "", plugins }) as const;

  it("takes the newest version that runs here", () => {
    const all = ["1.9.0", "1.10.0", "2.0.0-beta"].map((version) => entry({ version }));
    const elsewhere = entry({ version: "3.0.0", platform: "plan9-mips" });
    const here = entry({ version: "2.0.0", platform: platform() });
    assert.equal(chooseEntry(index([...all, here, elsewhere]), "p").version, "2.0.0");
    assert.equal(chooseEntry(index([...all, elsewhere]), "p", "1.9.0").version, "1.9.0");
    assert.equal(entryForScheme(index([...all, elsewhere]), "p")?.version, "1.10.0");
    assert.equal(entryForScheme(index([elsewhere]), "p"), undefined);
  });

  it("takes one before a release only when it is named, or there is nothing else", () => {
    const before = ["2.0.0-beta.2", "2.0.0-beta.10"].map((version) => entry({ version }));
    const all = [...before, entry({ version: "1.0.0" })];
    assert.equal(chooseEntry(index(all), "p").version, "1.0.0");
    assert.deepEqual(
      newestEntries(index(all)).map(({ version }) => version),
      ["1.0.0"],
    );
    assert.equal(chooseEntry(index(all), "p", "2.0.0-beta.2").version, "2.0.0-beta.2");
    assert.equal(chooseEntry(index(before), "p").version, "2.0.0-beta.10");
  });

  it("says what there is instead", () => {
    const message = (plugins: readonly PluginEntry[], name = "p", version?: string) => {
      try {
        return chooseEntry(index(plugins), name, version).version;
      } catch (error) {
        const { code: found, message: text, hint } = error as { code: string; message: string; hint: string };
        return `${found} ${text} ${hint}`;
      }
    };
    assert.match(message([entry({ name: "postgres" })], "postgre"), /NOT_FOUND No plugin is called "postgre" Did you mean "postgres"/);
    assert.match(message([entry()], "p", "9.0.0"), /NOT_FOUND .*no version 9.0.0 .*Use one of: 1.0.0/);
    assert.match(message([entry({ contract: 9 })]), /PLUGIN_INVALID .*speaks contract 9, this tidegate speaks 1/);
    assert.match(message([entry({ platform: "plan9-mips" })]), /PLUGIN_INVALID .*built for plan9-mips, this machine is/);
  });

  it("orders versions as semver does", () => {
    const sorted = ["1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "10.0.0"];
    assert.deepEqual([...sorted].reverse().sort(compareVersions), sorted);
  });
});

describe("the lock of a project", () => {
  const index = {
    schema: 1,
    serial: 1,
    created: "",
    plugins: [entry(), entry({ platform: "plan9-mips", sha256: "f".repeat(64) })],
  } as const;
  const here = chooseEntry(index, "p");

  it("pins a version for every platform and is read as it was written", async () => {
    const folder = tempFolder();
    assert.equal(readLock(folder), undefined);
    const lock = pinned(withPin(undefined, "z", { version: "1.0.0", archives: {} }), index, here);
    await changeLock(folder, () => lock, signal);
    assert.deepEqual(readLock(folder), lock);
    assert.deepEqual(Object.keys(lock.plugins), ["p", "z"]);
    assert.deepEqual(Object.keys(lock.plugins.p?.archives ?? {}), ["any", "plan9-mips"]);
    assert.deepEqual(withPin(lock, "z", undefined).plugins, { p: lock.plugins.p });
  });

  it("leads to that archive and to no other", () => {
    const pin = { version: "1.0.0", archives: { any: here.sha256 } };
    assert.equal(pinnedEntry(index, "p", pin), here);
    assert.throws(
      () => pinnedEntry(index, "p", { ...pin, archives: { any: "0".repeat(64) } }),
      /pins p 1.0.0 with sha256 000000000000…, the registry has/,
    );
    assert.throws(() => pinnedEntry(index, "p", { ...pin, archives: {} }), /pins no archive for/);
    assert.throws(() => pinnedEntry(index, "p", { ...pin, version: "2.0.0" }), { code: "NOT_FOUND" });
  });

  it("is changed again after a process was ended in the middle of it, and left by whoever cancels the wait", async () => {
    const folder = tempFolder();
    const busy = join(folder, ".tidegate-plugins.lock.busy");
    writeFileSync(busy, "");
    const waiting = changeLock(folder, (lock) => withPin(lock, "a", undefined), AbortSignal.timeout(100));
    await assert.rejects(waiting, { name: "TimeoutError" });
    utimesSync(busy, 0, 0);
    await changeLock(folder, (lock) => withPin(lock, "a", { version: "1.0.0", archives: {} }), signal);
    assert.deepEqual(readdirSync(folder), ["tidegate-plugins.lock"]);
  });

  it("says what to do when it cannot be written or read", async () => {
    const folder = join(tempFolder(), "gone");
    const change = changeLock(folder, (lock) => withPin(lock, "a", undefined), signal);
    await assert.rejects(change, { code: "FORBIDDEN", message: /^Cannot write ".*tidegate-plugins\.lock": the system says ENOENT$/ });
    mkdirSync(join(folder, "tidegate-plugins.lock"), { recursive: true });
    assert.throws(() => readLock(folder), { code: "CONFIG_INVALID", message: /the system says EISDIR$/ });
  });

  it("is refused when it is none", () => {
    for (const text of ["", "[]", '{"schema":2}', '{"schema":1,"plugins":{"../x":{}}}', '{"schema":1,"plugins":{"x":{"version":1}}}']) {
      const folder = tempFolder();
      writeFileSync(join(folder, "tidegate-plugins.lock"), text);
      assert.throws(() => readLock(folder), { code: "CONFIG_INVALID" }, text);
    }
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { tar } from "../../core/plugin/author/archive.ts";
import { pack } from "../../core/plugin/author/pack.ts";
import type { PluginEntry } from "../../core/plugin/catalogue.ts";
import { readTar } from "../../core/plugin/tar.ts";
import { unpackPlugin } from "../../core/plugin/unpack.ts";
import { tempFolder } from "../support/binary.ts";
import { problemOf } from "../support/config-folder.ts";

const text = (value: string) => Buffer.from(value);
const about = { name: "p", version: "1.0.0", schemes: ["p"], needs: {} };
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** In pieces of `size` bytes, as a network delivers them. */
async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function contents(archive: AsyncIterable<Uint8Array>): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, content } of readTar(archive)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    files.push([name, Buffer.concat(parts).toString()]);
  }
  return files;
}

/** A whole archive with one byte range of its first header replaced, its checksum made right again. */
function forged(name: string, change: (head: Buffer) => void): Buffer {
  const bytes = tar([{ name, content: text("x") }], 0);
  const head = bytes.subarray(0, 512);
  change(head);
  head.write("        ", 148);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

describe("an archive of a plugin", () => {
  it("is read the same in pieces of any size", async () => {
    const file = fc.record({ name: fc.stringMatching(/^[a-z]{1,8}\/[a-z]{1,8}$/), content: fc.string({ maxLength: 1500 }) });
    const files = fc.uniqueArray(file, { selector: ({ name }) => name, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 2000 }), async (entries, size) => {
        const archive = tar(
          entries.map(({ name, content }) => ({ name, content: text(content) })),
          0,
        );
        assert.deepEqual(
          await contents(pieces(archive, size)),
          entries.map(({ name, content }) => [name, text(content).toString()]),
        );
      }),
      { numRuns: 50 },
    );
  });

  const hostile: readonly (readonly [string, Buffer, RegExp])[] = [
    ["a symbolic link", forged("a", (head) => head.write("2", 156)), /"a" is a link/],
    ["a hard link", forged("a", (head) => head.write("1", 156)), /"a" is a link/],
    ["a device", forged("a", (head) => head.write("3", 156)), /"a" is a device/],
    ["a folder", forged("a", (head) => head.write("5", 156)), /"a" is a folder/],
    ["an extended header", forged("a", (head) => head.write("x", 156)), /"a" is no plain file/],
    ["an absolute path", forged("/etc/passwd", () => undefined), /leads out of its folder/],
    ["a path that goes up", forged("native/../../x", () => undefined), /leads out of its folder/],
    ["a path that goes up by its prefix", forged("x", (head) => head.write("..", 345)), /leads out of its folder/],
    ["a backslash", forged("..\\x", () => undefined), /leads out of its folder/],
    ["a drive letter", forged("C:x", () => undefined), /leads out of its folder/],
    ["a dot", forged(".", () => undefined), /leads out of its folder/],
    ["no name", forged("", () => undefined), /leads out of its folder/],
    ["a size that is no number", forged("a", (head) => head.write("banana", 124)), /no number/],
    ["a damaged header", Buffer.from(tar([{ name: "a", content: text("x") }], 0).fill("b", 0, 1)), /checksum does not match/],
    [
      "the same name twice",
      tar(
        [
          { name: "a", content: text("1") },
          { name: "A", content: text("2") },
        ],
        0,
      ),
      /holds "A" twice/,
    ],
    ["an end before its end", tar([{ name: "a", content: text("1".repeat(600)) }], 0).subarray(0, 700), /ends too early/],
    ["something after its end", Buffer.concat([tar([], 0), text("more")]), /something follows/],
  ];
  for (const [what, archive, message] of hostile) {
    it(`is refused when it holds ${what}`, async () => {
      const refused = await problemOf(contents(pieces(archive, 4096)));
      assert.equal(refused.code, "PLUGIN_INVALID");
      assert.match(refused.message, message);
    });
  }
});

describe("unpacking a plugin", () => {
  const files = new Map([
    ["index.js", text("export default () => ({})")],
    ["native/x.node", text("binary")],
  ]);
  const unpack = (archive: Uint8Array, entry: PluginEntry) => {
    const folder = tempFolder();
    writeFileSync(join(folder, "archive"), archive);
    mkdirSync(join(folder, "into"));
    return { into: join(folder, "into"), done: unpackPlugin(join(folder, "archive"), join(folder, "into"), entry) };
  };
  const packed = () => {
    const folder = tempFolder();
    const { entry, archive } = pack(about, { platform: "any", files });
    writeFileSync(join(folder, entry.file), archive);
    return { entry, archive: readFileSync(join(folder, entry.file)) };
  };
  /** An archive whose manifest is right while what follows it is not. */
  const withFiles = (change: (all: { name: string; content: Uint8Array }[]) => { name: string; content: Uint8Array }[]) => {
    const list = [...files].map(([name, content]) => [name, { sha256: sha256(content), size: content.length }]);
    const manifest = { schema: 1, ...about, contract: 1, platform: "any", entry: "index.js", files: Object.fromEntries(list) };
    const head = text(JSON.stringify(manifest));
    const entry = { ...packed().entry, manifest: sha256(head) };
    const all = [{ name: "manifest.json", content: head as Uint8Array }, ...[...files].map(([name, content]) => ({ name, content }))];
    return unpack(gzipSync(tar(change(all), 0)), entry);
  };

  it("gives exactly the packed files", async () => {
    const { entry, archive } = packed();
    const { into, done } = unpack(archive, entry);
    assert.equal((await done).name, "p");
    assert.deepEqual(readdirSync(into).sort(), ["index.js", "manifest.json", "native"]);
    assert.equal(readFileSync(join(into, "native/x.node"), "utf8"), "binary");
  });

  it("makes the same archive from the same files every time", () => {
    assert.equal(packed().entry.sha256, packed().entry.sha256);
  });

  const wrong: readonly (readonly [string, Parameters<typeof withFiles>[0], RegExp])[] = [
    ["no manifest first", (all) => all.slice(1), /begins with "index.js", wanted "manifest.json"/],
    [
      "a file its manifest does not list",
      (all) => [...all, { name: "evil.js", content: text("x") }],
      /holds "evil.js", which its manifest/,
    ],
    [
      "a file of another size",
      ([a, , c]) => [a, { name: "index.js", content: text("x") }, c].filter((x) => x !== undefined),
      /has 1 bytes, its manifest says 25/,
    ],
    [
      "another content",
      ([a, b, c]) => [a, b && { ...b, content: Buffer.from(b.content).fill("x") }, c].filter((x) => x !== undefined),
      /"index.js" has sha256 [0-9a-f]{12}…, its manifest says/,
    ],
    ["too few files", (all) => all.slice(0, 2), /lacks "native\/x.node"/],
    ["nothing at all", () => [], /it is empty/],
  ];
  for (const [what, change, message] of wrong) {
    it(`is refused with ${what}`, async () => {
      const refused = await problemOf(withFiles(change).done);
      assert.equal(refused.code, "PLUGIN_INVALID");
      assert.match(refused.message, message);
    });
  }

  it("is refused when the manifest is another than the signed index names", async () => {
    const { entry, archive } = packed();
    const refused = await problemOf(unpack(archive, { ...entry, manifest: "0".repeat(64) }).done);
    assert.match(refused.message, /"manifest.json" has sha256 [0-9a-f]{12}…, the index says 000000000000…/);
    assert.match(
      (await problemOf(unpack(archive, { ...entry, version: "2.0.0" }).done)).message,
      /version "1.0.0", the index says "2.0.0"/,
    );
  });

  it("is refused when the archive is cut off, or none", async () => {
    const { entry, archive } = packed();
    assert.match((await problemOf(unpack(archive.subarray(0, 100), entry).done)).message, /is not gzip, or is cut off/);
    assert.match((await problemOf(unpack(text("<html>"), entry).done)).message, /is not gzip, or is cut off/);
  });
});

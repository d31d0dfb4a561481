import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pack } from "../../core/plugin/author/pack.ts";
import { publish } from "../../core/plugin/author/publish.ts";
import { makeKey, parseKey, publicText, readKey, type SigningKey } from "../../core/plugin/author/signing.ts";
import { readIndex } from "../../core/plugin/catalogue.ts";
import { readKeys, signerOf } from "../../core/plugin/trust.ts";
import { tempFolder } from "../support/binary.ts";
import { problemOf } from "../support/config-folder.ts";

/** What a function refuses, whether it throws or rejects. */
const refused = (work: () => unknown) => problemOf(Promise.resolve().then(work));

const newKey = (name: string): SigningKey => ({ name, key: generateKeyPairSync("ed25519").privateKey });
const packed = (name: string, version = "1.0.0", code = "export default () => ({})", platform = "any") =>
  pack({ name, version, schemes: [name], needs: {} }, { platform, files: new Map([["index.js", Buffer.from(code)]]) });

function setUp() {
  const folder = join(tempFolder(), "registry");
  const key = newKey("me");
  const index = () => readIndex(readFileSync(join(folder, "index.json")));
  const names = () =>
    index()
      .plugins.map(({ file }) => file)
      .sort();
  return { folder, key, index, names };
}

describe("publishing into a registry's folder", () => {
  it("keeps what was there, signs the whole anew, and leaves nothing else behind", () => {
    const { folder, key, names } = setUp();
    publish(folder, [packed("one")], key);
    publish(folder, [packed("two"), packed("one", "1.1.0"), packed("one", "1.0.0", "native", "linux-x64")], key);
    const files = ["one-1.0.0-any.tgz", "one-1.0.0-linux-x64.tgz", "one-1.1.0-any.tgz", "two-1.0.0-any.tgz"];
    assert.deepEqual(names(), files);
    assert.deepEqual(readdirSync(folder).sort(), ["index.json", "index.json.sig", ...files]);
    const signature = readFileSync(join(folder, "index.json.sig"), "utf8");
    assert.equal(signerOf(readFileSync(join(folder, "index.json")), signature, readKeys(publicText(key))), "me");
  });

  it("leaves a registry that is signed, and can be published into, when it is cut short", async () => {
    const { folder, key, names } = setUp();
    publish(folder, [packed("one")], key);
    symlinkSync(join(folder, "nowhere/x"), join(folder, `.index.json.${process.pid}.tmp`));
    const { code, message } = await refused(() => publish(folder, [packed("two")], key));
    assert.equal(code, "FORBIDDEN");
    assert.match(message, /^Cannot publish into ".*registry": the system says E\w+$/);
    const signature = readFileSync(join(folder, "index.json.sig"), "utf8");
    assert.equal(signerOf(readFileSync(join(folder, "index.json")), signature, readKeys(publicText(key))), "me");
    publish(folder, [packed("two")], key);
    assert.deepEqual(names(), ["one-1.0.0-any.tgz", "two-1.0.0-any.tgz"]);
  });

  it("raises the serial number each time, also within one second", () => {
    const { folder, key } = setUp();
    const serials = [1, 2, 3].map(() => publish(folder, [packed("one")], key).serial);
    assert.deepEqual(serials, [...new Set(serials)].sort());
  });

  it("refuses another build of a version that is there, unless told to", async () => {
    const { folder, key, index } = setUp();
    publish(folder, [packed("one")], key);
    const before = index();
    const { code, message } = await refused(() => publish(folder, [packed("two"), packed("one", "1.0.0", "other")], key));
    assert.deepEqual([code, /another one 1\.0\.0 already/.test(message)], ["CONFLICT", true]);
    assert.deepEqual([index(), readdirSync(folder).length], [before, 3]);
    publish(folder, [packed("one", "1.0.0", "other")], key, true);
    assert.deepEqual(index().plugins, [packed("one", "1.0.0", "other").entry]);
  });

  it("vouches for nothing that another key signed, or that was changed", async () => {
    const { folder, key } = setUp();
    publish(folder, [packed("one")], key);
    assert.equal((await refused(() => publish(folder, [packed("two")], newKey("me")))).code, "CONFLICT");
    writeFileSync(join(folder, "index.json"), readFileSync(join(folder, "index.json"), "utf8").replace("any", "all"));
    assert.equal((await refused(() => publish(folder, [packed("two")], key))).code, "CONFLICT");
  });
});

describe("a signing key", () => {
  it("is made once, for its owner alone, and read back", () => {
    const path = join(tempFolder(), "key.pem");
    assert.deepEqual([makeKey(path), makeKey(path)], [true, false]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(publicText(readKey(path, "me")), /^me:[A-Za-z0-9+/]{43}=$/);
  });

  it("is refused when it is none, is not there, or is of another kind, and is never shown", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const rsa = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    for (const [text, why] of [
      [rsa, /it is rsa, wanted ed25519/],
      ["-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----", /it is no private key in PEM/],
      ["hunter2", /it is no private key in PEM/],
    ] as const) {
      const problem = await refused(() => parseKey(text, "me"));
      assert.deepEqual([problem.code, problem.cause], ["INPUT_INVALID", undefined]);
      assert.match(problem.message, why);
      assert.doesNotMatch(JSON.stringify(problem), /hunter2|c2VjcmV0/);
    }
    const absent = join(tempFolder(), "absent.pem");
    assert.deepEqual((await refused(() => readKey(absent, "me"))).hint, `Make one: tidegate plugin key ${absent}`);
  });
});

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./targets.ts";

/** A private key, and the name by which people are told who signed. */
export interface SigningKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** The key of `TIDEGATE_SIGNING_KEY` (PEM text, or the path of it; named by `TIDEGATE_SIGNING_NAME`), if there is one. */
export function givenKey(): SigningKey | undefined {
  const given = process.env.TIDEGATE_SIGNING_KEY;
  if (!given) return undefined;
  const pem = given.includes("-----BEGIN") ? given : readFileSync(given, "utf8");
  return { name: process.env.TIDEGATE_SIGNING_NAME || "tidegate", key: ed25519(createPrivateKey(pem)) };
}

/** The given key, or this clone's own, which is made once and trusted only by the binaries built here. */
export function signingKey(): SigningKey {
  const given = givenKey();
  if (given !== undefined) return given;
  const path = join(root, ".cache", "signing", "development.pem");
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync("ed25519");
    try {
      writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // Another build was faster: its key it is.
    }
  }
  return { name: "development", key: ed25519(createPrivateKey(readFileSync(path))) };
}

/** The public part as `plugins.keys` takes it: `name:base64`. */
export function publicText({ name, key }: SigningKey): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return `${name}:${der.subarray(-32).toString("base64")}`;
}

/** The content of a signature file. */
export function signatureOf(bytes: Uint8Array, { key }: SigningKey): string {
  return `${sign(null, bytes, key).toString("base64")}\n`;
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`The signing key is ${key.asymmetricKeyType}, wanted ed25519`);
  return key;
}

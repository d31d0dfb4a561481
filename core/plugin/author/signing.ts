import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { problem } from "../../problem.ts";

/** A private key, and the name by which people are told who signed. */
export interface SigningKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** Reads an ed25519 key from PEM text. @throws INPUT_INVALID */
export function parseKey(pem: string, name: string): SigningKey {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The text may be a key all the same: nothing of it goes into the problem or its cause.
  }
  if (key?.asymmetricKeyType === "ed25519") return { name, key };
  const found = key === undefined ? "it is no private key in PEM" : `it is ${key.asymmetricKeyType}`;
  throw problem(
    "INPUT_INVALID",
    `Cannot sign with the key "${name}": ${found}, wanted ed25519`,
    `Make one: tidegate plugin key ${name}.pem`,
  );
}

/** Reads a key's file. @throws NOT_FOUND, INPUT_INVALID */
export function readKey(path: string, name: string): SigningKey {
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw problem("NOT_FOUND", `There is no signing key at "${path}"`, `Make one: tidegate plugin key ${path}`, cause);
    throw problem("INPUT_INVALID", `Cannot read the signing key at "${path}": the system says ${code}`, "Name a file you may read", cause);
  }
  return parseKey(pem, name);
}

/** Makes a key and keeps it in a new file that only its owner may read. False when there is a file already, which stays as it is. */
export function makeKey(path: string): boolean {
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw problem(
      "INPUT_INVALID",
      `Cannot write a signing key to "${path}": the system says ${code}`,
      "Name a file in a folder of yours",
      cause,
    );
  }
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

import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** A public key whose signature is trusted, and what people call its owner. */
export interface TrustedKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** What stands before the 32 bytes of an ed25519 key in its DER form. */
const derPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Reads keys written as `name:base64`, parted by spaces. Their form was checked when the configuration was read. */
export function readKeys(text: string): TrustedKey[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return words.map((word) => {
    const colon = word.lastIndexOf(":");
    const der = Buffer.concat([derPrefix, Buffer.from(word.slice(colon + 1), "base64")]);
    return { name: word.slice(0, colon), key: createPublicKey({ key: der, format: "der", type: "spki" }) };
  });
}

/** Who signed exactly these bytes, or `undefined` when it was nobody trusted. A signature file holds one base64 line for each signer. */
export function signerOf(bytes: Uint8Array, signatures: string, keys: readonly TrustedKey[]): string | undefined {
  const lines = signatures.split("\n").filter((line) => line.trim() !== "");
  const found = keys.find(({ key }) => lines.some((line) => verify(null, bytes, key, Buffer.from(line, "base64"))));
  return found?.name;
}

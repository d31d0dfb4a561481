import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileName = "audit.key";

/** Signs checkpoints. */
export interface Signer {
  sign(text: string): string;
}

/** The key of this installation, made by whoever needs it first. */
export function signerIn(folder: string): Signer {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, fileName);
  try {
    const made = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(path, made, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const key = createPrivateKey(readFileSync(path));
  return { sign: (text) => sign(null, Buffer.from(text), key).toString("base64") };
}

/** Checks signatures of the installation's own key; `undefined` when there is none. */
export function verifierIn(folder: string): ((text: string, signature: string) => boolean) | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey(readFileSync(join(folder, fileName)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return (text, signature) => verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}

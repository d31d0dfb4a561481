import { createPrivateKey, pbkdf2Sync, randomBytes, sign } from "node:crypto";

const scrambleBytes = 32;
const saltBytes = 18;
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const keyHead = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * MariaDB's PARSEC, second step: `salted` is how the server keeps the password (`P`, the logarithm of the rounds, a
 * salt); the key made of it signs both sides' scrambles. https://mariadb.com/kb/en/authentication-plugin-parsec/
 */
export function signWithDerivedKey(password: string, challenge: Uint8Array, salted: Uint8Array): Buffer {
  const [algorithm, logarithm = 255] = salted;
  if (algorithm !== 0x50 || logarithm > 3 || salted.length < 2 + saltBytes)
    throw new Error("The server keeps the password in an unknown way");
  const seed = pbkdf2Sync(password, salted.subarray(2, 2 + saltBytes), 1024 << logarithm, 32, "sha512");
  const key = createPrivateKey({ key: Buffer.concat([keyHead, seed]), format: "der", type: "pkcs8" });
  const own = randomBytes(scrambleBytes);
  return Buffer.concat([own, sign(null, Buffer.concat([challenge.subarray(0, scrambleBytes), own]), key)]);
}

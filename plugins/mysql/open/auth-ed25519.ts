import { createHash } from "node:crypto";
import { Point } from "@noble/ed25519";

const scrambleBytes = 32;
const { n: order } = Point.CURVE();

/**
 * MariaDB's `client_ed25519`: an Ed25519 signature of the server's scramble, except that the password itself stands
 * where the standard has a seed of 32 bytes, which is why no ordinary library call makes it.
 */
export function signWithPassword(password: string, challenge: Uint8Array): Buffer {
  const scramble = challenge.subarray(0, scrambleBytes);
  const secret = sha512(Buffer.from(password));
  secret[0] = (secret[0] as number) & 248;
  secret[31] = ((secret[31] as number) & 63) | 64;
  const key = scalar(secret.subarray(0, 32));
  const nonce = scalar(sha512(secret.subarray(32), scramble));
  const commitment = Point.BASE.multiply(nonce).toBytes();
  const publicKey = Point.BASE.multiply(key).toBytes();
  const proof = (nonce + scalar(sha512(commitment, publicKey, scramble)) * key) % order;
  return Buffer.concat([commitment, Buffer.from(proof.toString(16).padStart(64, "0"), "hex").reverse()]);
}

/** A number of any size in little-endian bytes, within the group's order. */
function scalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) % order;
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha512").update(Buffer.concat(parts)).digest();
}

import mysql, { type AuthPlugin } from "mysql2";
import { refusal } from "../refusal.ts";
import { signWithPassword } from "./auth-ed25519.ts";
import { signWithDerivedKey } from "./auth-parsec.ts";

/** Ways to log in that mysql2 does not have itself, and its own where the server's public key is given. */
export function authPlugins(password: string, { serverPublicKey, trustsSentKey }: Keys): Record<string, AuthPlugin> {
  const keys = serverPublicKey === undefined ? { onServerPublicKey: untrusted } : { serverPublicKey };
  return {
    client_ed25519: () => async (challenge) => signWithPassword(password, challenge),
    parsec: parsec(password),
    // For a way of its own mysql2 takes one more round trip.
    ...((serverPublicKey !== undefined || !trustsSentKey) && {
      caching_sha2_password: mysql.authPlugins.caching_sha2_password(keys),
      sha256_password: mysql.authPlugins.sha256_password(keys),
    }),
    // An empty password is one zero byte; under a key the server would take it for a wrong one.
    ...(password === "" && { sha256_password: () => () => Buffer.alloc(1) }),
  };
}

/** What a password may be encrypted with where there is no TLS. */
interface Keys {
  readonly serverPublicKey?: string;
  /** Whether a key is taken from whoever answers. */
  readonly trustsSentKey: boolean;
}

/** Whoever sits in between can leave TLS out, send a key of their own, and read the password. */
function untrusted(): never {
  throw refusal({
    code: "CREDENTIALS_REJECTED",
    message: "The server wants the password encrypted with a key that nothing vouches for, as there is no TLS",
    hint: "Use ssl-mode=required or stronger, give the server's key with server-public-key-path, or trust the network with get-server-public-key=1",
  });
}

interface Packet {
  readonly buffer: Buffer;
  offset: number;
}

/** mysql2's state machine: what is called with the next packet. */
interface Handshake {
  next: (packet: Packet, connection: unknown) => unknown;
}

function parsec(password: string): AuthPlugin {
  return ({ command }) => {
    let challenge: Buffer | undefined;
    return async (bytes) => {
      if (challenge !== undefined) return signWithDerivedKey(password, challenge, bytes);
      challenge = Buffer.from(bytes);
      await undefined;
      markNext(command as unknown as Handshake);
      return Buffer.alloc(0);
    };
  };
}

/** MariaDB sends the salt as a packet of its own, mysql2 expects a mark before it: it takes the place of the sequence number. */
function markNext(handshake: Handshake): void {
  const { next } = handshake;
  handshake.next = (packet, connection) => {
    if (packet.buffer[packet.offset] === 0x50) packet.buffer[--packet.offset] = 0x01;
    return next.call(handshake, packet, connection);
  };
}

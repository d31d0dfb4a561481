import mysql, { type AuthPlugin } from "mysql2";
import { signWithPassword } from "./auth-ed25519.ts";
import { signWithDerivedKey } from "./auth-parsec.ts";

/** Ways to log in that mysql2 does not have itself, and its own where the server's public key is given. */
export function authPlugins(password: string, serverPublicKey: string | undefined): Record<string, AuthPlugin> {
  return {
    client_ed25519: () => async (challenge) => signWithPassword(password, challenge),
    parsec: parsec(password),
    ...(serverPublicKey !== undefined && {
      caching_sha2_password: mysql.authPlugins.caching_sha2_password({ serverPublicKey }),
      sha256_password: mysql.authPlugins.sha256_password({ serverPublicKey }),
    }),
    // An empty password is one zero byte; under a key the server would take it for a wrong one.
    ...(password === "" && { sha256_password: () => () => Buffer.alloc(1) }),
  };
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

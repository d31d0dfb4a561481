import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { refusal } from "../refusal.ts";
import type { Login, Place, Settings } from "../target/settings.ts";
import { saslInitial, saslResponse } from "./messages.ts";
import { beginScram, endPointHash, type Scram } from "./scram.ts";
import { stranger } from "./socket.ts";

const authentication = 0x52;
/** What no message before the end of a login comes near, as libpq has it. */
const mostBytes = 30_000;
/** Kinds of authentication requests: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const kinds = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

/**
 * What postgres.js gets in place of the socket. It knows no channel binding, logs in to a server that
 * proves nothing, and waits for ever when it is asked for what it does not know: so SCRAM is answered
 * here, and what cannot be answered is refused.
 */
export function loginSocket(socket: Socket, place: Place, settings: Settings): Duplex {
  let unread = Buffer.alloc(0);
  let through = false;
  const login = createLogin(socket, place, settings);
  const front = new Duplex({
    read: () => undefined,
    write: (bytes, _, done) => void socket.write(bytes, done),
  });
  const step = async (message: Buffer): Promise<void> => {
    if (message[0] !== authentication) return void front.push(message);
    const outcome = await login(message.readUInt32BE(5), message.subarray(9));
    if (outcome === "pass") front.push(message);
    else if (outcome !== undefined) socket.write(outcome);
    through ||= message.readUInt32BE(5) === kinds.ok;
  };
  const next = (): Buffer | undefined => {
    if (through || unread.length < 5) return undefined;
    const length = unread.readUInt32BE(1) + 1;
    if (length > mostBytes || (unread[0] === authentication && length < 9)) throw stranger(place);
    if (unread.length < length) return undefined;
    const message = unread.subarray(0, length);
    unread = unread.subarray(length);
    return message;
  };
  let steps = Promise.resolve();
  socket.on("data", (bytes: Buffer) => {
    steps = steps
      .then(async () => {
        unread = Buffer.concat([unread, bytes]);
        for (let message = next(); !through && message !== undefined; message = next()) await step(message);
        if (!through || unread.length === 0) return;
        front.push(unread);
        unread = Buffer.alloc(0);
      })
      .catch((error) => void front.destroy(error));
  });
  // What the server said last comes before the news that it is gone.
  socket.on("error", (error) => void steps.then(() => front.destroy(error)));
  socket.on("close", () => void steps.then(() => front.destroy()));
  return front;
}

/** Answers one request for authentication: with bytes, with nothing, or by leaving it to postgres.js. */
function createLogin(socket: Socket, { host, password }: Place, { channelBinding, logins, sendsPassword }: Settings) {
  const isSafe = socket instanceof TLSSocket || sendsPassword || isNear(host);
  let scram: Scram | undefined;
  let asked: Login = "none";
  const check = (login: Login) => {
    asked = login;
    if (logins !== undefined && !logins.includes(login)) throw unwanted(login, logins);
  };
  let proved = false;
  return async (kind: number, body: Buffer): Promise<Buffer | "pass" | undefined> => {
    switch (kind) {
      case kinds.ok:
        check(asked);
        if (channelBinding === "require" && !(scram?.bound && proved)) throw unbound();
        if (scram !== undefined && !proved) scram.verify("");
        return "pass";
      case kinds.cleartext:
      case kinds.md5:
        check(kind === kinds.md5 ? "md5" : "password");
        if (kind === kinds.cleartext && !isSafe) throw open();
        if (channelBinding === "require") throw unbound();
        if (!password) throw noPassword();
        return "pass";
      case kinds.sasl:
        check("scram-sha-256");
        scram = beginScram(body.toString("latin1").split("\0"), { hash: hashOf(socket), wanted: channelBinding });
        if (scram === undefined) throw unknownMethod(body.toString("latin1").split("\0").filter(Boolean).join(", "));
        if (channelBinding === "require" && !scram.bound) throw unbound();
        if (!password) throw noPassword();
        return saslInitial(scram.mechanism, scram.first);
      case kinds.saslContinue:
        return scram && saslResponse(await scram.answer(body.toString("utf8"), password ?? ""));
      case kinds.saslFinal:
        scram?.verify(body.toString("utf8"));
        proved = true;
        return undefined;
      default:
        throw unknownMethod(({ 2: "Kerberos V5", 6: "SCM credentials", 7: "GSSAPI", 9: "SSPI" } as Record<number, string>)[kind]);
    }
  };
}

function hashOf(socket: Socket): Buffer | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate && endPointHash(certificate.raw, certificate.signatureAlgorithm);
}

/** Between a process and a server on the same machine there is no network. */
function isNear(host: string): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function open(): Error {
  return refusal({
    code: "CREDENTIALS_REJECTED",
    message: "The server asks for the password in clear text, and the connection has no TLS",
    hint: "Use sslmode=require or stronger, or trust the network with require_auth=password",
  });
}

function unwanted(login: Login, logins: readonly Login[]): Error {
  const asks = login === "none" ? "The server asks for no login" : `The server asks to log in by ${login}`;
  return refusal({
    code: "CREDENTIALS_REJECTED",
    message: `${asks}, which require_auth does not allow`,
    hint: `Have pg_hba.conf ask this user for ${logins.join(" or ")}, or change require_auth`,
  });
}

function unbound(): Error {
  return refusal({
    code: "CREDENTIALS_REJECTED",
    message: "The server does not bind the login to this TLS connection, as channel_binding=require asks",
    hint: "Use a server with SCRAM passwords and TLS to itself, or channel_binding=prefer with sslmode=verify-full",
  });
}

function noPassword(): Error {
  return refusal({
    code: "CREDENTIALS_REJECTED",
    message: "The server asks for a password, and none was given",
    hint: "Set PGPASSWORD, add a line to ~/.pgpass (chmod 600), or give the password in the connection",
  });
}

function unknownMethod(name = "a method it does not name"): Error {
  return refusal({
    code: "UNSUPPORTED",
    message: `The server asks to log in by ${name}, which this driver does not know`,
    hint: "Have pg_hba.conf ask this user for scram-sha-256, or for a client certificate",
  });
}

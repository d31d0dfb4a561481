import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import type { Endpoint } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import type { Place, Settings } from "../target/settings.ts";
import { tlsOptions } from "../target/tls.ts";
import { sslRequest } from "./messages.ts";

/** How a connection is protected: chosen once per attempt, because `allow` and `prefer` try both. */
export type Protection = "plain" | "tls" | "tls if offered";

/** In which order libpq tries the two ways. */
export function protections({ sslMode, channelBinding }: Settings, { host }: Place): readonly Protection[] {
  const ways = waysOf(sslMode, host);
  if (channelBinding !== "require") return ways;
  const bindable = ways.filter((way) => way !== "plain");
  if (bindable.length > 0) return bindable.map(() => "tls");
  throw refusal({
    code: "INPUT_INVALID",
    message: "channel_binding=require needs TLS, and this connection would have none",
    hint: "Use sslmode=require or stronger and a host name, or leave channel_binding out",
  });
}

function waysOf(sslMode: Settings["sslMode"], host: string): readonly Protection[] {
  if (sslMode === "disable" || host.startsWith("/")) return ["plain"];
  if (sslMode === "allow") return ["plain", "tls"];
  return sslMode === "prefer" ? ["tls if offered", "plain"] : ["tls"];
}

/** Opens a socket that is ready for the first message of the protocol. */
export async function openSocket(settings: Settings, place: Place, protection: Protection, signal: AbortSignal): Promise<Socket> {
  const far = endpointOf(place);
  const socket = await opened(plainSocket((await settings.reach?.(far, signal)) ?? far), "connect", signal);
  if (protection === "plain") return socket;
  if (!settings.directTls) {
    socket.write(sslRequest);
    const answer = await answered(socket, signal);
    if (answer === "N" && protection === "tls if offered") return socket;
    if (answer !== "S") {
      socket.destroy();
      throw answer === "N" ? noTls(settings, place) : stranger(place);
    }
  }
  socket.removeAllListeners("close");
  const secured = connectTls({ socket, ...tlsOptions(settings, place.host) });
  secured.on("error", () => undefined);
  await opened(secured, "secureConnect", signal);
  if (settings.sslMode === "verify-full") checkName(secured, place.host);
  return secured;
}

function noTls({ sslMode, channelBinding }: Settings, { host }: Place): Error {
  const message = `The server at "${host}" offers no TLS, and sslmode=${sslMode}${channelBinding === "require" ? " with channel_binding=require" : ""} wants it`;
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Turn TLS on in the server, or use sslmode=prefer", retryable: false });
}

export function stranger({ host, port }: Place): Error {
  const message = `What answers at "${host}" port ${port} is not PostgreSQL`;
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Check host and port", retryable: false });
}

/** Deno looks at the name only when it sends one, which it does not for an address. */
function checkName(socket: TLSSocket, host: string): void {
  const mismatch = checkServerIdentity(host, socket.getPeerCertificate());
  if (mismatch === undefined) return;
  socket.destroy();
  throw refusal(
    {
      code: "CONNECTION_FAILED",
      message: `The server's certificate is not made out to "${host}"`,
      hint: "Name the host as its certificate does, or use sslmode=verify-ca",
      retryable: false,
    },
    mismatch,
  );
}

function endpointOf({ host, port }: Place): Endpoint {
  return host.startsWith("/") ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port };
}

function plainSocket(to: Endpoint): Socket {
  const socket = connect(to);
  // Whoever waits listens as well; between two listeners an error would end the process.
  socket.on("error", () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  return socket;
}

/** Waits for an event; ends the socket when it fails or the caller leaves. */
async function opened<Opened extends Socket>(socket: Opened, event: string, signal: AbortSignal): Promise<Opened> {
  await waiting(socket, signal, (done) => socket.once(event, () => done()));
  return socket;
}

async function answered(socket: Socket, signal: AbortSignal): Promise<string> {
  let answer = "";
  await waiting(socket, signal, (done) =>
    socket.once("data", (bytes: Buffer) => {
      // More than one byte before TLS begins was put there by someone in between (CVE-2021-23222).
      answer = bytes.length === 1 ? bytes.toString("latin1") : "";
      done();
    }),
  );
  return answer;
}

async function waiting(socket: Socket, signal: AbortSignal, arm: (done: () => void) => void): Promise<void> {
  let clear = () => undefined as unknown;
  try {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      const closed = () => reject(Object.assign(new Error("The server closed the connection"), { code: "ECONNRESET" }));
      clear = () => {
        signal.removeEventListener("abort", abort);
        socket.removeListener("error", reject).removeListener("close", closed);
      };
      signal.addEventListener("abort", abort, { once: true });
      socket.once("error", reject).once("close", closed);
      arm(resolve);
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clear();
  }
}

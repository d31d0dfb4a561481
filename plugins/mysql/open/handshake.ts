import type { Duplex } from "node:stream";
import mysql from "mysql2";
import { refusal } from "../refusal.ts";
import { PacketStream } from "../wire/packet-stream.ts";
import type { Settings } from "./settings.ts";

/** Off: files of ours, rows found instead of changed, blanks before `(`, several results, and what changes the form of later packets. */
const flags = ["-LOCAL_FILES", "-FOUND_ROWS", "-IGNORE_SPACE", "-ODBC", "-MULTI_RESULTS", "-SESSION_TRACK", "-CLIENT_QUERY_ATTRIBUTES"];

/** What mysql2 holds after the handshake and does not declare. */
interface Handshaken {
  readonly stream: Duplex;
  readonly _mariadbExtendedMetadata: boolean;
  readonly connectTimeout: unknown;
}

/**
 * Opens a connection and logs in: mysql2 does TLS and every kind of password exchange. From there on the
 * socket is ours: rows go from its bytes to their place without an object in between.
 */
export async function openPackets(settings: Settings, signal: AbortSignal): Promise<PacketStream> {
  try {
    return await shakeHands(settings, signal).catch((error) => {
      if (settings.tls.mode !== "preferred" || error?.code !== "HANDSHAKE_NO_SSL_SUPPORT") throw error;
      return shakeHands({ ...settings, tls: { mode: "disabled" } }, signal);
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : told(error, settings);
  }
}

async function shakeHands(settings: Settings, signal: AbortSignal): Promise<PacketStream> {
  signal.throwIfAborted();
  const password = settings.password();
  const connection = mysql.createConnection({
    ...(settings.socket === undefined ? { host: settings.host, port: settings.port } : { socketPath: settings.socket }),
    user: settings.user,
    ...(password !== undefined && { password }),
    ...(settings.database !== undefined && { database: settings.database }),
    ...(settings.tls.ssl !== undefined && { ssl: { ...settings.tls.ssl } }),
    connectTimeout: settings.connectMillis,
    connectAttributes: { program_name: "tidegate" },
    charset: "UTF8MB4_GENERAL_CI",
    flags,
    trace: false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  connection.once("connect", () => resolve());
  connection.on("error", reject);
  try {
    await promise;
    const { stream, _mariadbExtendedMetadata } = connection as unknown as Handshaken;
    stream.removeAllListeners("data");
    return new PacketStream(stream, _mariadbExtendedMetadata);
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Errors of the network and of TLS do not say where; those of the server speak for themselves. */
function told(error: unknown, { host, port, socket }: Settings): unknown {
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  if (typeof errno === "number" && errno >= 1000) return error;
  const place = socket === undefined ? `"${host}:${port}"` : `"${socket}"`;
  const found = typeof code === "string" ? reasons[code] : undefined;
  if (found === undefined) return error;
  const [reason, hint, retryable = true] = found;
  return refusal({ code: "CONNECTION_FAILED", message: `Cannot reach ${place}: ${reason}`, hint, retryable }, error);
}

const reasons: Readonly<Record<string, readonly [reason: string, hint: string, retryable?: boolean]>> = {
  ECONNREFUSED: ["nothing listens there", "Check host and port, and that the server runs"],
  ENOENT: ["there is no such socket", "Check the path of the socket, and that the server runs"],
  EACCES: ["access to the socket is denied", "Check the socket's permissions", false],
  ENOTFOUND: ["the host is unknown", "Check the host name", false],
  EAI_AGAIN: ["the host name cannot be looked up", "Check the host name and the network"],
  EHOSTUNREACH: ["there is no route to the host", "Check the host and the network"],
  ENETUNREACH: ["there is no route to the host", "Check the host and the network"],
  ETIMEDOUT: ["it did not answer in time", "Check host, port and firewall, or raise connect_timeout"],
  ECONNRESET: ["the server closed the connection", "Run it again, and look into the server's log"],
  EPIPE: ["the server closed the connection", "Run it again, and look into the server's log"],
  PROTOCOL_CONNECTION_LOST: ["the server closed the connection", "Run it again, and look into the server's log"],
  HANDSHAKE_NO_SSL_SUPPORT: ["the server offers no TLS", "Use ssl-mode=preferred, or set up TLS on the server", false],
  HANDSHAKE_SSL_ERROR: [
    "TLS failed, or the certificate is not trusted",
    "Check ssl-ca and the certificate, or choose another ssl-mode",
    false,
  ],
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: ["the server wants the password in clear text", "Give the user another authentication plugin", false],
  AUTH_SWITCH_PLUGIN_ERROR: [
    "the server's way to log in is not supported",
    "Give the user mysql_native_password or caching_sha2_password",
    false,
  ],
};

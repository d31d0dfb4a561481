import { connect } from "node:net";
import type { Duplex } from "node:stream";
import mysql from "mysql2";
import type { Endpoint } from "../../../core/contract/driver.ts";
import { PacketStream } from "../wire/packet-stream.ts";
import { authPlugins } from "./auth.ts";
import type { Settings } from "./settings.ts";
import { unreachable } from "./unreachable.ts";

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
    throw signal.aborted ? signal.reason : unreachable(error, settings);
  }
}

async function shakeHands(settings: Settings, signal: AbortSignal): Promise<PacketStream> {
  signal.throwIfAborted();
  const password = settings.password();
  const near = await settings.reach?.(endpointOf(settings), signal);
  const connection = mysql.createConnection({
    ...(near !== undefined && { stream: () => connect(near) }),
    ...(settings.socket === undefined ? { host: settings.host, port: settings.port } : { socketPath: settings.socket }),
    user: settings.user,
    ...(password !== undefined && { password }),
    ...(settings.database !== undefined && { database: settings.database }),
    ...(settings.tls.ssl !== undefined && { ssl: { ...settings.tls.ssl } }),
    authPlugins: authPlugins(password ?? "", { ...settings, trustsSentKey: settings.trustsSentKey || settings.tls.ssl !== undefined }),
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

function endpointOf({ socket, host = "localhost", port = 3306 }: Settings): Endpoint {
  return socket === undefined ? { host, port } : { path: socket };
}

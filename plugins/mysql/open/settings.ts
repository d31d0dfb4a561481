import { createPublicKey } from "node:crypto";
import { existsSync } from "node:fs";
import type { ConnectOptions, Target } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import { clientOptions } from "./options-file.ts";
import { fileOf, isOn, type TlsSettings, tlsSettings } from "./tls.ts";

/** How to reach one server, and as whom. */
export interface Settings {
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly user: string;
  readonly database?: string;
  readonly tls: TlsSettings;
  /** The RSA key a password may be encrypted with where there is no TLS. */
  readonly serverPublicKey?: string;
  /** Whether a key that the server sends will do: on this machine nobody sits in between. */
  readonly trustsSentKey: boolean;
  /** The server's own limit for a statement, a second wall behind the caller's; 0 for none. */
  readonly maxStatementSeconds: number;
  readonly connectMillis: number;
  /** Where a tunnel to the server begins, if one leads there. */
  readonly reach: ConnectOptions["reach"];
  password(): string | undefined;
}

const knownOptions = [
  "socket",
  "defaults-file",
  "connect_timeout",
  "max_statement_time",
  "ssl-mode",
  "ssl-ca",
  "ssl-capath",
  "ssl-cert",
  "ssl-key",
  "tls-version",
  "server-public-key-path",
  "get-server-public-key",
] as const;
const usualSockets = ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];

/** Reads `host:port/database?options`; what the URL leaves open comes from `my.cnf`, then from the defaults of the `mysql` client. */
export function readSettings(target: Target, reach?: ConnectOptions["reach"]): Settings {
  const unknown = Object.keys(target.options).find((name) => !(knownOptions as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const message = `Option "${unknown}" is unknown for MySQL`;
    throw refusal({ code: "INPUT_INVALID", message, hint: `Use one of: ${knownOptions.join(", ")}` });
  }
  const file = clientOptions(target.options["defaults-file"]);
  const options = { ...file, ...target.options };
  const place = placeOf(target, file, reach);
  const serverPublicKey = fileOf(options, "server-public-key-path", createPublicKey);
  // A password in a file is for the host and the user that the file names, where it names them.
  const isOfFile = agree(place.urlHost, file.host) && agree(target.user, file.user);
  return {
    ...(place.socket === undefined ? { host: place.host, port: place.port } : { socket: place.socket }),
    user: target.user ?? file.user ?? process.env.USER ?? "root",
    ...(place.database !== undefined && { database: place.database }),
    tls: tlsSettings(options, place.socket === undefined ? place.host : undefined),
    maxStatementSeconds: number(options.max_statement_time ?? "3600", "max_statement_time", 31_536_000),
    ...(serverPublicKey !== undefined && { serverPublicKey }),
    trustsSentKey: place.socket !== undefined || isLoopback(place.host) || isOn(options["get-server-public-key"]),
    connectMillis: number(options.connect_timeout ?? options["connect-timeout"] ?? "10", "connect_timeout", 3600) * 1000,
    reach,
    password: () => target.password?.reveal() ?? (isOfFile ? file.password : undefined),
  };
}

/** Where the target leads; where it names neither host nor socket, to where the file or the usual socket leads. */
function placeOf({ location, options }: Target, file: Readonly<Record<string, string>>, reach: ConnectOptions["reach"]) {
  const [, bracketed, plain, urlPort, path = ""] = /^(?:\[([^\]]*)\]|([^:/]*))(?::([^/]*))?(?:\/(.*))?$/.exec(location) ?? [];
  const urlHost = bracketed ?? (plain === "" ? undefined : plain && decodeURIComponent(plain));
  // A socket of this machine is none of the machine at the end of a tunnel.
  const isTcp = reach !== undefined || file.protocol?.toLowerCase() === "tcp";
  // To the server's own clients "localhost" in a file means the socket.
  const fileHost = file.host === "localhost" && !isTcp ? undefined : file.host;
  const host = urlHost ?? fileHost ?? (isTcp ? "localhost" : undefined);
  return {
    urlHost,
    host: host ?? "localhost",
    port: number(urlPort || file.port || "3306", "port", 65_535),
    socket: options.socket ?? (host === undefined ? (file.socket ?? usualSocket()) : undefined),
    database: decodeURIComponent(path) || file.database,
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function agree(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function usualSocket(): string | undefined {
  return usualSockets.find((path) => existsSync(path));
}

function number(text: string, name: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  const message = `Option "${name}" is "${text}": a whole number up to ${most} is expected`;
  throw refusal({ code: "INPUT_INVALID", message, hint: `Correct "${name}" in the target` });
}

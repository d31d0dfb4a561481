import { existsSync } from "node:fs";
import type { Target } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import { clientOptions } from "./options-file.ts";
import { type TlsSettings, tlsSettings } from "./tls.ts";

/** How to reach one server, and as whom. */
export interface Settings {
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly user: string;
  readonly database?: string;
  readonly tls: TlsSettings;
  /** The server's own limit for a statement, a second wall behind the caller's; 0 for none. */
  readonly maxStatementSeconds: number;
  readonly connectMillis: number;
  password(): string | undefined;
}

const knownOptions = [
  "socket",
  "defaults-file",
  "connect_timeout",
  "max_statement_time",
  "ssl-mode",
  "ssl-ca",
  "ssl-cert",
  "ssl-key",
] as const;
const usualSockets = ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];

/** Reads `host:port/database?options`; what the URL leaves open comes from `my.cnf`, then from the defaults of the `mysql` client. */
export function readSettings(target: Target): Settings {
  const unknown = Object.keys(target.options).find((name) => !(knownOptions as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const message = `Option "${unknown}" is unknown for MySQL`;
    throw refusal({ code: "INPUT_INVALID", message, hint: `Use one of: ${knownOptions.join(", ")}` });
  }
  const file = clientOptions(target.options["defaults-file"]);
  const options = { ...file, ...target.options };
  const [, bracketed, plain, urlPort, path = ""] = /^(?:\[([^\]]*)\]|([^:/]*))(?::([^/]*))?(?:\/(.*))?$/.exec(target.location) ?? [];
  const urlHost = bracketed ?? (plain === "" ? undefined : plain && decodeURIComponent(plain));
  const socket =
    target.options.socket ?? (urlHost === undefined ? (file.socket ?? (file.host === undefined ? usualSocket() : undefined)) : undefined);
  const host = socket === undefined ? (urlHost ?? file.host ?? "localhost") : undefined;
  const database = decodeURIComponent(path) || file.database;
  const fromFile = file.password;
  return {
    ...(socket === undefined ? { host: host ?? "localhost", port: number(urlPort || file.port || "3306", "port", 65_535) } : { socket }),
    user: target.user ?? file.user ?? process.env.USER ?? "root",
    ...(database !== undefined && { database }),
    tls: tlsSettings(options, host),
    maxStatementSeconds: number(options.max_statement_time ?? "3600", "max_statement_time", 31_536_000),
    connectMillis: number(options.connect_timeout ?? "10", "connect_timeout", 3600) * 1000,
    password: () => target.password?.reveal() ?? fromFile,
  };
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

import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import type { ConnectOptions, Target } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import { fromTarget } from "./location.ts";
import { fromEnvironment, honoured, type Options } from "./options.ts";
import { passwordFor } from "./pgpass.ts";
import { fromService } from "./service.ts";

export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const sessionKinds = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;

const bindings = ["disable", "prefer", "require"] as const;
const logins = ["password", "md5", "scram-sha-256", "none"] as const;
export type Login = (typeof logins)[number];

/** One server to try; a host that starts with `/` is the folder of a unix socket. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
}

export interface Settings {
  readonly places: readonly Place[];
  readonly user: string;
  readonly database: string;
  readonly sslMode: (typeof sslModes)[number];
  readonly directTls: boolean;
  readonly channelBinding: (typeof bindings)[number];
  /** Ways to log in that `require_auth` lets the server ask for; `undefined` where it says nothing. */
  readonly logins: readonly Login[] | undefined;
  /** Whether `require_auth` names the password itself, which then may cross an open network. */
  readonly sendsPassword: boolean;
  readonly options: Options;
  readonly sessionKind: (typeof sessionKinds)[number];
  readonly connectMillis: number;
  /** Where a tunnel to a server begins, if one leads there. */
  readonly reach?: ConnectOptions["reach"];
  /** Settings of the session that the caller chose. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Everything libpq would know about a target: the URL first, then its service, then the environment. */
export function readSettings(target: Target, environment: NodeJS.ProcessEnv = process.env): Settings {
  const given = fromEnvironment(environment);
  const url = fromTarget(target);
  const service = url.service ?? given.service;
  const options: Options = { ...given, ...(service !== undefined && fromService(service, environment)), ...url };
  refuseUnhonoured(options);
  const user = options.user ?? userInfo().username;
  const database = options.dbname ?? user;
  const passfile = options.passfile ?? join(homedir(), ".pgpass");
  const {
    application_name = options.fallback_application_name ?? "tidegate",
    search_path,
    statement_timeout,
    lock_timeout,
    options: raw,
  } = options;
  return {
    places: places(options).map((place) => ({
      ...place,
      password: options.password ?? passwordFor({ ...place, database, user }, passfile),
    })),
    user,
    database,
    options,
    sslMode: oneOf("sslmode", options.sslmode ?? (options.sslrootcert === "system" ? "verify-full" : "prefer"), sslModes),
    directTls: oneOf("sslnegotiation", options.sslnegotiation ?? "postgres", ["postgres", "direct"] as const) === "direct",
    channelBinding: oneOf("channel_binding", options.channel_binding ?? "prefer", bindings),
    logins: options.require_auth === undefined ? undefined : allowedLogins(options.require_auth),
    sendsPassword: options.require_auth !== undefined && namesOf(options.require_auth).includes("password"),
    sessionKind: oneOf("target_session_attrs", options.target_session_attrs ?? "any", sessionKinds),
    connectMillis: whole("connect_timeout", options.connect_timeout ?? "15") * 1000,
    parameters: {
      application_name,
      ...(search_path !== undefined && { search_path }),
      ...(statement_timeout !== undefined && { statement_timeout }),
      ...(lock_timeout !== undefined && { lock_timeout }),
      ...(raw !== undefined && { options: raw }),
    },
  };
}

function refuseUnhonoured(options: Options): void {
  for (const [name, values] of Object.entries(honoured)) {
    const value = options[name as keyof Options];
    if (value === undefined || values.includes(value)) continue;
    throw wrong(`Option "${name}" is "${value}", which this driver cannot do`, `Leave it out, or use one of: ${values.join(", ")}`);
  }
}

function namesOf(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

/** Names to allow, or, each with `!` before it, names to refuse. */
function allowedLogins(text: string): readonly Login[] {
  const names = namesOf(text);
  const refused = names.filter((name) => name.startsWith("!")).map((name) => oneOf("require_auth", name.slice(1), logins));
  if (refused.length === 0) return names.map((name) => oneOf("require_auth", name, logins));
  if (refused.length === names.length) return logins.filter((login) => !refused.includes(login));
  throw wrong(`Option "require_auth" is "${text}", which both allows and refuses`, "Write ! before each name, or before none");
}

function places({ host = "localhost", port = "5432" }: Options): Omit<Place, "password">[] {
  const hosts = host.split(",");
  const ports = port.split(",");
  if (ports.length > 1 && ports.length !== hosts.length) {
    throw wrong(`There are ${hosts.length} hosts and ${ports.length} ports`, "Give one port, or a port for each host");
  }
  return hosts.map((name, index) => ({
    host: name === "" ? "localhost" : name,
    port: portNumber(ports.length === 1 ? ports[0] : ports[index]),
  }));
}

function portNumber(text = ""): number {
  if (text === "") return 5432;
  const port = whole("port", text);
  if (port < 1 || port > 65535) throw wrong(`Port ${text} does not exist`, "Use a port from 1 to 65535");
  return port;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw wrong(`Option "${name}" is "${text}", which is no whole number`, `Write ${name} in digits`);
  return Number(text);
}

function oneOf<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw wrong(`Option "${name}" is "${text}", which PostgreSQL does not know`, `Use one of: ${choices.join(", ")}`);
  return found;
}

function wrong(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}

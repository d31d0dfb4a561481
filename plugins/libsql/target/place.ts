import type { Secret, Target } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";

/** Where a target leads, with its options read. */
export type Place = LocalPlace | RemotePlace;

export interface LocalPlace {
  readonly kind: "local";
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly create: boolean;
  readonly busyMillis: number;
  readonly encryptionKey?: Secret;
  /** The server an embedded replica follows. */
  readonly replica?: Replica;
}

export interface Replica {
  readonly url: string;
  readonly token?: Secret;
  /** A connection older than this is brought up to date before it reads; absent means when it is opened only. */
  readonly intervalMillis?: number;
}

export interface RemotePlace {
  readonly kind: "remote";
  /** `http:` or `https:`, with a slash at its end. */
  readonly url: string;
  readonly token?: Secret;
}

type Options = Readonly<Record<string, string>>;

/** A server speaks the same protocol at its `ws:` and at its `http:` address; only over HTTP can a running statement be stopped. */
const remoteSchemes: Readonly<Record<string, string>> = {
  libsql: "https",
  "libsql+https": "https",
  "libsql+http": "http",
  "libsql+wss": "https",
  "libsql+ws": "http",
};

export const schemes: readonly string[] = [...Object.keys(remoteSchemes), "libsql+file"];

const localOptions = ["create", "busy_timeout", "encryptionKey", "syncUrl", "syncInterval", "authToken"];
const remoteOptions = ["authToken", "tls"];

/** `libsql://host` is a server; `libsql:x.db`, `libsql:/x.db` and `libsql:///x.db` are files. */
export function isPath(scheme: string, rest: string): boolean {
  return scheme === "libsql+file" || (scheme === "libsql" && !/^\/\/[^/]/.test(rest));
}

/** What the engine keeps beside a file: its journals, and what a replica knows of its server. */
export function filesOf({ location }: Target): string[] {
  return ["-journal", "-wal", "-shm", "-info", "-client_wal_index", "-tidegate"].map((ending) => location + ending);
}

/** Reads a target. A token comes from the option `authToken`, the password, or the environment. @throws INPUT_INVALID */
export function placeOf({ scheme, location, options, password }: Target, environment: NodeJS.ProcessEnv): Place {
  const local = location === ":memory:" || scheme === "libsql+file" || (scheme === "libsql" && /^([/\\]|[A-Za-z]:[/\\])/.test(location));
  checkNames(options, local ? localOptions : remoteOptions);
  const given = options.authToken || password?.reveal() || environment.LIBSQL_AUTH_TOKEN || environment.TURSO_AUTH_TOKEN;
  const token = given ? { token: secret(given) } : {};
  return local ? localPlace(location, options, token) : { kind: "remote", url: remoteUrl(scheme, location, options), ...token };
}

function localPlace(path: string, options: Options, token: { readonly token?: Secret }): LocalPlace {
  const { create = "false", busy_timeout = "5000", encryptionKey, syncUrl, syncInterval } = options;
  if (syncUrl === undefined && syncInterval !== undefined)
    throw invalid('Option "syncInterval" needs a server to follow', 'Name it with "syncUrl", or leave the option out');
  if (syncUrl !== undefined && path === ":memory:") throw invalid("A replica needs a file", "For example: libsql:shop.db?syncUrl=…");
  return {
    kind: "local",
    path,
    create: yes("create", create),
    busyMillis: whole("busy_timeout", busy_timeout, "milliseconds"),
    ...(encryptionKey && { encryptionKey: secret(encryptionKey) }),
    ...(syncUrl !== undefined && {
      replica: {
        url: serverUrl(syncUrl),
        ...token,
        ...(syncInterval !== undefined && { intervalMillis: whole("syncInterval", syncInterval, "seconds") * 1000 }),
      },
    }),
  };
}

function remoteUrl(scheme: string, location: string, { tls }: Options): string {
  const protocol = tls !== undefined && !yes("tls", tls) ? "http" : (remoteSchemes[scheme] ?? "https");
  return parsed(`${protocol}://${location.replace(/\/*$/, "/")}`, `${scheme}://${location}`);
}

/** `syncUrl` is written as servers are written elsewhere: `libsql://host`, `https://host`. */
function serverUrl(text: string): string {
  const [, scheme = "", rest = ""] = /^(\w+):\/\/(.*)$/s.exec(text) ?? [];
  const protocol = { libsql: "https", https: "https", wss: "https", http: "http", ws: "http" }[scheme.toLowerCase()];
  if (protocol === undefined || rest.includes("@"))
    throw invalid('Option "syncUrl" is no address of a server', "Write, for example, syncUrl=libsql://shop.turso.io");
  return parsed(`${protocol}://${rest}`, text);
}

function parsed(url: string, shown: string): string {
  if (URL.canParse(url)) return url;
  throw invalid(`"${shown}" is no address of a server`, "Write, for example, libsql://shop.turso.io");
}

function checkNames(options: Options, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`Option "${unknown}" is unknown for libSQL here`, `Use one of: ${known.join(", ")}`);
}

function yes(name: string, text: string): boolean {
  if (/^(true|1|false|0)$/.test(text)) return text === "true" || text === "1";
  throw invalid(`Option "${name}" is "${text}": true or false is expected`, `Write, for example, ${name}=true`);
}

function whole(name: string, text: string, unit: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`Option "${name}" is "${text}": a number of ${unit} is expected`, `Write, for example, ${name}=60`);
}

function secret(text: string): Secret {
  return { reveal: () => text };
}

function invalid(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}

import type { Target } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import { isOption, type Options, optionNames } from "./options.ts";

/** What a URL says: `user@host:port,other/database?option=value`, as libpq reads it. */
export function fromTarget({ location, options, user, password }: Target): Options {
  const unknown = Object.keys(options).find((name) => !isOption(name));
  if (unknown !== undefined) throw wrong(`PostgreSQL has no connection option "${unknown}"`, `Use one of: ${optionNames.join(", ")}`);
  const slash = location.indexOf("/");
  const authority = slash === -1 ? location : location.slice(0, slash);
  const database = slash === -1 ? "" : decoded(location.slice(slash + 1));
  const places = authority === "" ? [] : authority.split(",").map(place);
  return {
    ...(places.length > 0 && places.some(({ host }) => host !== "") && { host: places.map(({ host }) => host).join(",") }),
    ...(places.some(({ port }) => port !== "") && { port: places.map(({ port }) => port).join(",") }),
    ...(database !== "" && { dbname: database }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: password.reveal() }),
    ...options,
  };
}

function place(text: string): { readonly host: string; readonly port: string } {
  const [, bracketed, plain = "", port = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text) ?? [];
  if (bracketed === undefined && plain === "" && port === "" && text !== "") {
    throw wrong("The host cannot be read", "Write host:port, with [ ] around an IPv6 address");
  }
  return { host: decoded(bracketed ?? plain), port };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw wrong("The URL holds a % that begins no character", "Write %25 for a percent sign", cause);
  }
}

function wrong(message: string, hint: string, cause?: unknown): Error {
  return refusal({ code: "INPUT_INVALID", message, hint }, cause);
}

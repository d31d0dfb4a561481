import { homedir } from "node:os";
import { basename, relative, resolve, sep } from "node:path";
import type { Driver, Target } from "../contract/driver.ts";
import { didYouMean, type Problem, problem } from "../problem.ts";
import { redactTarget } from "../secrets/redact.ts";
import { createSecret } from "../secrets/secret.ts";
import { namesBeside, pathFacts } from "./path.ts";

const targetHint = "Name an existing file, a URL such as sqlite:shop.db, or a connection of tidegate.yaml";

/** A target whose driver is known. `display` may be shown to anyone: it never holds a password. */
export interface ResolvedTarget {
  readonly driver: Driver;
  readonly target: Target;
  readonly display: string;
  readonly isPath: boolean;
}

/**
 * Reads a target: `scheme:…` for one of the drivers, or a path that one of them claims.
 * @throws INPUT_INVALID for an unknown scheme or a file no driver reads, NOT_FOUND for a missing path.
 */
export function resolveTarget(
  text: string,
  drivers: readonly Driver[],
  from: { readonly folder: string; readonly options?: Readonly<Record<string, string>>; readonly password?: string },
): ResolvedTarget {
  if (text === "") throw problem("INPUT_INVALID", "The target is empty", targetHint);
  const resolved = resolveText(text, drivers, from);
  if (from.password !== undefined && resolved.isPath)
    throw problem("INPUT_INVALID", `${resolved.display} is a path and takes no password`, "Remove the password of this connection");
  return resolved;
}

function resolveText(
  text: string,
  drivers: readonly Driver[],
  from: { readonly folder: string; readonly options?: Readonly<Record<string, string>> },
): ResolvedTarget {
  const url = /^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$/s.exec(text);
  if (url?.[1] !== undefined && url[2] !== undefined) {
    const scheme = url[1].toLowerCase();
    const driver = drivers.find((candidate) => candidate.schemes.includes(scheme));
    if (driver !== undefined) return resolveUrl(scheme, url[2], driver, from);
    if (url[2].startsWith("//")) throw unknownScheme(scheme, drivers);
  }
  return resolvePath(text, drivers, from);
}

function resolveUrl(
  scheme: string,
  rest: string,
  driver: Driver,
  from: { folder: string; options?: Readonly<Record<string, string>> },
): ResolvedTarget {
  const [, address = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(rest) ?? [];
  const own = Object.fromEntries(new URLSearchParams(query));
  const isPath = driver.isPath?.(scheme, address) ?? driver.claims !== undefined;
  if (!isPath) checkAddress(address, query, Object.keys(own));
  const options = { ...from.options, ...own };
  const found = isPath ? fileTarget(scheme, address, from.folder) : serverTarget(scheme, address);
  const display = isPath
    ? `${scheme}:${short(found.location)}`
    : redactTarget(`${scheme}:${query.includes("@") ? rest : address}`).replace(/\?.*/s, "");
  return { driver, target: { ...found, options }, display, isPath };
}

function fileTarget(scheme: string, address: string, folder: string) {
  if (/^\/\/[^/]*@/.test(address))
    throw problem("INPUT_INVALID", `A ${scheme} target is a path and takes no user or password`, `For example: ${scheme}:/path/to/file.db`);
  const path = address.replace(/^\/\//, "");
  if (path === "")
    throw problem("INPUT_INVALID", `Target "${scheme}:" names no file`, `For example: ${scheme}:shop.db, or ${scheme}::memory:`);
  return { scheme, location: absolute(path, folder) };
}

/** The last "@" ends the user and password: passwords hold one more often than hosts do. */
function serverTarget(scheme: string, address: string) {
  const userinfo = /^\/\/([^/]*)@/.exec(address)?.[1];
  const [, user = "", password = ""] = (/^([^:]*):?(.*)$/s.exec(userinfo ?? "") ?? []).map((part) => decoded(part ?? ""));
  return {
    scheme,
    location: address.replace(/^\/\/(?:[^/]*@)?/, ""),
    ...(user && { user }),
    ...(password && { password: createSecret(password) }),
  };
}

/** A "?" in a password ends the address early: the driver would quote the rest as an option. */
function checkAddress(address: string, query: string, keys: readonly string[]): void {
  const early = query.includes("@") && !/[/@]/.test(address.replace(/^\/\//, ""));
  if (early || keys.some((key) => key.includes("@")))
    throw problem(
      "INPUT_INVALID",
      'The target holds a "?" where no options begin',
      'Write "%3F" for a "?" in a password, "%40" for an "@"',
    );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // What it holds is not repeated, also not as a cause: it is a password.
    throw problem("INPUT_INVALID", 'The target\'s user or password holds a "%" that begins no escape', 'Write "%25" for a plain "%"');
  }
}

function resolvePath(
  text: string,
  drivers: readonly Driver[],
  from: { folder: string; options?: Readonly<Record<string, string>> },
): ResolvedTarget {
  const location = absolute(text, from.folder);
  const facts = pathFacts(location);
  const driver = drivers.find((candidate) => candidate.claims?.(facts));
  if (driver !== undefined && facts.kind !== "missing") {
    const scheme = driver.schemes[0] ?? driver.name;
    return { driver, target: { scheme, location, options: from.options ?? {} }, display: short(location), isPath: true };
  }
  if (facts.kind === "missing") {
    throw noSuchTarget(text, location);
  }
  const known = drivers.map((candidate) => candidate.schemes[0]).join(", ");
  throw problem(
    "INPUT_INVALID",
    `No driver recognises "${text}"`,
    `Say which engine reads it, for example sqlite:${redactTarget(text)} (known: ${known})`,
  );
}

/** What a person is told of a name that leads nowhere; near names are those beside it and the connections'. */
export function noSuchTarget(text: string, location: string, connections: readonly string[] = []): Problem {
  return problem(
    "NOT_FOUND",
    `No file, folder or connection is named "${redactTarget(text)}"`,
    didYouMean(basename(location), [...connections, ...namesBeside(location)]) ?? targetHint,
  );
}

function unknownScheme(scheme: string, drivers: readonly Driver[]): Error {
  const schemes = drivers.flatMap((candidate) => candidate.schemes);
  return problem("INPUT_INVALID", `Scheme "${scheme}" is unknown`, didYouMean(scheme, schemes) ?? `Use one of: ${schemes.join(", ")}`);
}

function absolute(path: string, folder: string): string {
  if (path === ":memory:") return path;
  const expanded = path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path;
  return resolve(folder, expanded);
}

function short(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" ? "." : near.startsWith(`..${sep}`) || near === ".." || near.length > path.length ? path : near;
}

import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { refusal } from "../refusal.ts";

const sections: ReadonlySet<string> = new Set(["client", "client-server", "client-mariadb"]);
const known: ReadonlySet<string> = new Set(
  `host port protocol socket user password database connect-timeout ssl skip-ssl ssl-mode ssl-verify-server-cert ssl-ca ssl-capath
   ssl-cert ssl-key tls-version server-public-key-path`.split(/\s+/),
);
const usualFiles = () => ["/etc/my.cnf", "/etc/mysql/my.cnf", join(homedir(), ".my.cnf")];
const mostIncludes = 10;

/** What a `my.cnf` says to clients: the one named, or the usual ones that are there; what comes later wins. An option without a value is "". */
export function clientOptions(path: string | undefined): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of path === undefined ? usualFiles() : [path]) readInto(found, file, { wanted: path !== undefined, depth: 0 });
  return found;
}

function readInto(
  found: Record<string, string>,
  path: string,
  { wanted, depth }: { readonly wanted: boolean; readonly depth: number },
): void {
  let section = "";
  for (const line of readIfThere(path, wanted).split(/\r?\n/)) {
    const [, directive, place = ""] = /^\s*!(include|includedir)\s+(.+?)\s*$/.exec(line) ?? [];
    if (directive !== undefined) {
      if (depth === mostIncludes) throw unreadable(path, "it includes itself, or too many others");
      const included = resolve(dirname(path), place);
      for (const file of directive === "include" ? [included] : filesIn(included, wanted))
        readInto(found, file, { wanted, depth: depth + 1 });
      continue;
    }
    section = /^\s*\[([^\]]*)\]/.exec(line)?.[1]?.trim() ?? section;
    if (!sections.has(section)) continue;
    const [, name = "", value = ""] = /^\s*([\w-]+)\s*(?:=\s*(.*?)\s*|(?:#.*)?)$/.exec(line) ?? [];
    const option = name
      .replaceAll("_", "-")
      .toLowerCase()
      .replace(/^loose-/, "");
    if (known.has(option)) found[option] = unquoted(value);
  }
}

function filesIn(folder: string, wanted: boolean): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".cnf"))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (!wanted) return [];
    throw unreadable(folder, "the folder cannot be listed", error);
  }
}

function readIfThere(path: string, wanted: boolean): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!wanted) return "";
    throw unreadable(path, "there is no such file, or it may not be read", error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): Error {
  const message = `Cannot read the options file "${path}": ${why}`;
  return refusal({ code: "INPUT_INVALID", message, hint: "Check the path and its permissions" }, cause);
}

/** A value in quotes is taken as it is; outside of them `#` starts a comment after a blank. */
function unquoted(value: string): string {
  const [, , inner] = /^(["'])(.*)\1/.exec(value) ?? [];
  const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", s: " ", b: "\b" };
  return (inner ?? value.replace(/\s#.*$/, "")).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { refusal } from "../refusal.ts";

const known = ["host", "port", "socket", "user", "password", "database", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key"];

/** The `[client]` section of a `my.cnf`: the one named, or `~/.my.cnf` where there is one. */
export function clientOptions(path: string | undefined): Readonly<Record<string, string>> {
  const text = readIfThere(path ?? join(homedir(), ".my.cnf"), path !== undefined);
  const found: Record<string, string> = {};
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[([^\]]*)\]/.exec(line)?.[1]?.trim() ?? section;
    if (section !== "client" && section !== "client-mariadb") continue;
    const [, name = "", value = ""] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const option = name.replaceAll("_", "-").toLowerCase();
    if (known.includes(option)) found[option] = unquoted(value);
  }
  return found;
}

function readIfThere(path: string, wanted: boolean): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!wanted) return "";
    const message = `Cannot read the options file "${path}"`;
    throw refusal({ code: "INPUT_INVALID", message, hint: "Check the path and its permissions" }, error);
  }
}

/** A value in quotes is taken as it is; outside of them `#` starts a comment after a blank. */
function unquoted(value: string): string {
  const [, , inner] = /^(["'])(.*)\1/.exec(value) ?? [];
  const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", s: " ", b: "\b" };
  return (inner ?? value.replace(/\s#.*$/, "")).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

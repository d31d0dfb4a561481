import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { refusal } from "../refusal.ts";
import { isOption, type Options } from "./options.ts";

/** Reads one section of the connection service file, as libpq does: the user's own file, then the system's. */
export function fromService(name: string, environment: NodeJS.ProcessEnv): Options {
  const files = [
    environment.PGSERVICEFILE ?? join(homedir(), ".pg_service.conf"),
    join(environment.PGSYSCONFDIR ?? "/etc/postgresql-common", "pg_service.conf"),
  ];
  for (const file of files.filter((path) => existsSync(path))) {
    const found = section(readFileSync(file, "utf8"), name);
    if (found !== undefined) return found;
  }
  throw refusal({
    code: "NOT_FOUND",
    message: `The connection service "${name}" is not defined`,
    hint: `Add a section [${name}] to ${files[0]}`,
  });
}

function section(text: string, name: string): Options | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const start = lines.indexOf(`[${name}]`);
  if (start === -1) return undefined;
  const found: [string, string][] = [];
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith("[")) break;
    const [, key, value] = /^([^#=\s]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && isOption(key)) found.push([key, value]);
  }
  return Object.fromEntries(found);
}

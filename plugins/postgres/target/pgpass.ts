import { readFileSync, statSync } from "node:fs";

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The password a `.pgpass` file keeps for a login. Like libpq it leaves a file alone that others may read. */
export function passwordFor({ host, port, database, user }: Login, file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) return undefined;
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of readFileSync(file, "utf8").split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = ""]) => field.replace(/\\(.)/g, "$1"));
    if (fields.length > wanted.length && wanted.every((value, index) => fields[index] === "*" || fields[index] === value))
      return fields[wanted.length];
  }
  return undefined;
}

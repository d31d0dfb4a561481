import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Target } from "../../../core/contract/driver.ts";
import { missing, notDatabase } from "../errors/file-errors.ts";
import { refusal } from "../errors/refusal.ts";
import { isDatabase, isGlob, readerOf, viewsOfFolder } from "./files.ts";

/** What a target leads to, and the settings it asks for. */
export interface Source {
  readonly kind: "memory" | "database" | "file" | "folder" | "glob";
  /** Absolute and free of links where it exists: the engine compares real paths. */
  readonly path: string;
  readonly settings: Options;
  /** How `read_csv` is told to read. */
  readonly csv: Options;
}

type Options = Readonly<Record<string, string>>;

const settingNames = ["memory_limit", "threads"];
const csvNames = ["all_varchar", "dateformat", "delim", "header", "nullstr", "quote", "sample_size", "timestampformat"];

/** The place a target names, free of links; does not open it. */
export function placeOf({ location }: Target): string {
  if (location === ":memory:") return location;
  if (statSync(location, { throwIfNoEntry: false }) !== undefined) return realpathSync(location);
  const folder = dirname(location);
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? location : join(realpathSync(folder), basename(location));
}

/** The files a place is made of. */
export async function filesOf(location: string): Promise<readonly string[]> {
  const stat = statSync(location, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return viewsOfFolder(location).flatMap(({ paths }) => paths);
  if (stat !== undefined || !isGlob(location)) return [location];
  const { matchesOf } = await import("./glob.ts");
  return matchesOf(location);
}

/** Looks at a target before the engine does. @throws a refusal for what is missing or no database. */
export function sourceOf({ location, options }: Target, readOnly: boolean): Source {
  const known = [...settingNames, ...csvNames, "create"];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw refusal({
      code: "INPUT_INVALID",
      message: `Option "${unknown}" is unknown to DuckDB targets`,
      hint: `Use one of: ${known.join(", ")}`,
    });
  }
  const path = placeOf({ location, options, scheme: "duckdb" });
  const rest = { path, settings: pick(options, settingNames), csv: pick(options, csvNames) };
  if (location === ":memory:") return { kind: "memory", ...rest };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return { kind: "folder", ...rest };
  // An empty file is what `touch` leaves: DuckDB makes a database of it, and so it counts as missing.
  if (stat !== undefined && (stat.size > 0 || readerOf(location) !== undefined)) return { kind: fileKind(path, location), ...rest };
  if (!readOnly && options.create === "true") return { kind: "database", ...rest };
  if (stat !== undefined) throw refusal(notDatabase(location));
  if (isGlob(location)) return { kind: "glob", ...rest };
  throw refusal(readOnly ? missing(location) : { ...missing(location), hint: "Add create=true to the target to make a new database" });
}

function fileKind(path: string, location: string): "database" | "file" {
  if (isDatabase(headerOf(path))) return "database";
  if (readerOf(location) === undefined) throw refusal(notDatabase(location));
  return "file";
}

function headerOf(path: string): Uint8Array {
  const header = new Uint8Array(16);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    readSync(file, header, 0, header.length, 0);
    return header;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EACCES" ? "permission denied" : "the system refuses";
    throw refusal(
      {
        code: "CONNECTION_FAILED",
        message: `Cannot read "${path}": ${reason}`,
        hint: "Give this user the right to read it",
        retryable: false,
      },
      error,
    );
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function pick(options: Options, names: readonly string[]): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

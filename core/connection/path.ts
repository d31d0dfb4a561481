import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { HeldFile, PathFacts } from "../contract/driver.ts";
import { Problem } from "../problem.ts";

const headerBytes = 64;

/** Reads what drivers need to recognise a path. @throws CONNECTION_FAILED when the path may not be read */
export function pathFacts(path: string): PathFacts {
  if (path === ":memory:") return { path, header: new Uint8Array(), kind: "memory", extension: "" };
  const facts = { path, header: new Uint8Array(), extension: extensionOf(path) };
  const stat = permitted(path, () => statSync(path), undefined);
  if (stat === undefined) return { ...facts, kind: /[*?[{]/.test(path) ? "glob" : "missing" };
  if (stat.isDirectory()) return { ...facts, kind: "folder" };
  return { ...facts, kind: "file", header: readHeader(path) };
}

/** True while the very file a session opened is still the one at its path. */
export function isInPlace({ path, identity }: HeldFile): boolean {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}` === identity;
  } catch {
    // Deleted, or out of reach: opening it again says which.
    return false;
  }
}

/** Names beside a missing path, for a near-name hint; empty when the folder cannot be read. */
export function namesBeside(path: string): string[] {
  try {
    return readdirSync(dirname(path));
  } catch {
    // The folder is missing or closed to us: there is nothing to suggest.
    return [];
  }
}

function extensionOf(path: string): string {
  const match = /\.([a-z0-9]+(?:\.(?:gz|zst|bz2))?)$/i.exec(basename(path));
  return match?.[1]?.toLowerCase() ?? "";
}

function readHeader(path: string): Uint8Array {
  return permitted(path, () => firstBytes(path), new Uint8Array());
}

function firstBytes(path: string): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const file = openSync(path, "r");
  try {
    return header.subarray(0, readSync(file, header, 0, headerBytes, 0));
  } finally {
    closeSync(file);
  }
}

/** What `read` gives, or `otherwise` when the path cannot be read for a reason that its driver tells better. */
function permitted<Found, Otherwise>(path: string, read: () => Found, otherwise: Otherwise): Found | Otherwise {
  try {
    return read();
  } catch (error) {
    if (!isDenied(error)) return otherwise;
    const message = `Cannot read "${path}": permission denied`;
    const hint = "Run as a user who may read the file and enter the folders above it";
    throw new Problem({ code: "CONNECTION_FAILED", message, hint, retryable: false }, error);
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}

import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { PathFacts } from "../contract/driver.ts";

const headerBytes = 64;

/** Reads what drivers need to recognise a path; never fails, a path that cannot be read is `missing`. */
export function pathFacts(path: string): PathFacts {
  if (path === ":memory:") return { path, header: new Uint8Array(), kind: "memory", extension: "" };
  const facts = { path, header: new Uint8Array(), extension: extensionOf(path) };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { ...facts, kind: /[*?[{]/.test(path) ? "glob" : "missing" };
  if (stat.isDirectory()) return { ...facts, kind: "folder" };
  return { ...facts, kind: "file", header: readHeader(path) };
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
  const header = new Uint8Array(headerBytes);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    return header.subarray(0, readSync(file, header, 0, headerBytes, 0));
  } catch {
    // Unreadable files are the driver's to report: it names the reason the engine gives.
    return new Uint8Array();
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

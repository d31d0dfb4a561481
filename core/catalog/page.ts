import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { problem } from "../problem.ts";

export interface PageOptions {
  /** UTF-8 bytes of text, at most; at least 64. A token is about four bytes. */
  readonly maxBytes?: number;
  /** Where an earlier page of the same listing ended. */
  readonly cursor?: string;
}

export interface Page {
  readonly text: string;
  /** The number of the first line shown, from 1; 0 when the listing is empty. */
  readonly first: number;
  /** Lines shown, begun and continued ones included. */
  readonly shown: number;
  /** Lines of the whole listing. */
  readonly total: number;
  /** Asks for what follows; absent on the last page. */
  readonly cursor?: string;
}

const more = "…";

/**
 * The part of a listing that fits. Whole lines as long as they fit; a line that is too long by itself
 * is cut after a comma or space, with `…` at the cut and where it goes on. The cursor holds a position
 * and a checksum of the listing, so nothing is kept between calls.
 *
 * @throws INPUT_INVALID for a cursor nobody gave; CONFLICT when the listing is no longer the same.
 */
export function page(listing: string, { maxBytes = 8_000, cursor }: PageOptions = {}): Page {
  const lines = listing === "" ? [] : listing.split("\n");
  const checksum = checksumOf(listing);
  const start = cursor === undefined ? { line: 0, left: 0 } : positionOf(cursor, checksum, lines);
  const taken: string[] = [];
  let bytes = 0;
  let line = start.line;
  for (; line < lines.length; line++) {
    const text = line === start.line ? restOf(lines[line] ?? "", start.left) : (lines[line] ?? "");
    bytes += Buffer.byteLength(text) + (taken.length > 0 ? 1 : 0);
    if (bytes > maxBytes) break;
    taken.push(text);
  }
  const next = (at: number, left: number) => ({ cursor: `${at.toString(36)}.${left.toString(36)}.${checksum}` });
  const whole = { first: taken.length > 0 ? start.line + 1 : 0, shown: taken.length, total: lines.length };
  if (line >= lines.length) return { text: taken.join("\n"), ...whole };
  if (taken.length > 0) return { text: taken.join("\n"), ...whole, ...next(line, 0) };
  const text = restOf(lines[line] ?? "", start.left);
  const cut = cutAt(text, Math.max(64, maxBytes) - Buffer.byteLength(more));
  return { text: text.slice(0, cut) + more, first: line + 1, shown: 1, total: lines.length, ...next(line, text.length - cut) };
}

/** Row estimates drift while the catalog stays the same, so they do not count. */
function checksumOf(listing: string): string {
  return createHash("sha256")
    .update(listing.replace(/~[\d.]+[kMGTP]?/g, ""))
    .digest("hex")
    .slice(0, 8);
}

/** The position counts from the end of its line, because a drifting estimate stands at the start. */
function positionOf(cursor: string, checksum: string, lines: readonly string[]): { readonly line: number; readonly left: number } {
  const [, at = "", rest = "", sum] = /^([0-9a-z]{1,7})\.([0-9a-z]{1,7})\.([0-9a-f]{8})$/.exec(cursor) ?? [];
  const position = { line: Number.parseInt(at, 36), left: Number.parseInt(rest, 36) };
  if (sum !== undefined && sum !== checksum) {
    throw problem("CONFLICT", "The listing is no longer the one this cursor belongs to", "Ask again without a cursor");
  }
  if (sum === undefined || !(position.left <= (lines[position.line]?.length ?? -1))) {
    throw problem("INPUT_INVALID", `Cursor "${cursor.slice(0, 40)}" cannot be read`, "Pass the cursor exactly as the last page gave it");
  }
  return position;
}

function restOf(line: string, left: number): string {
  return left === 0 ? line : more + line.slice(line.length - left);
}

/** Where to cut `text` so that at most `maxBytes` stay: after the last separator, if that keeps at least half. */
function cutAt(text: string, maxBytes: number): number {
  let end = 0;
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  const separator = Math.max(text.lastIndexOf(",", end - 1), text.lastIndexOf(" ", end - 1)) + 1;
  return separator > end / 2 ? separator : end;
}

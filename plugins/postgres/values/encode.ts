import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../refusal.ts";
import { json, jsonb } from "./types.ts";

/** The text that PostgreSQL reads a parameter from; the server decided on its type. */
export function parameterText(value: Value, oid: number, position: number): string | null {
  if (value === null) return null;
  if (typeof value === "string") return checked(value, position);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Uint8Array) return bytesText(value);
  if (oid === json || oid === jsonb) return checked(jsonText(value), position);
  if (Array.isArray(value)) return checked(listText(value), position);
  throw wrong(`Parameter ${position} is a record`, `Cast it in the SQL, for example: $${position}::jsonb`);
}

function checked(text: string, position: number): string {
  if (text.includes("\0"))
    throw wrong(`Parameter ${position} holds U+0000, which PostgreSQL cannot keep in text`, "Remove the character, or give bytes");
  if (!text.isWellFormed()) throw wrong(`Parameter ${position} is not well-formed Unicode`, "Give the bytes instead of the text");
  return text;
}

function bytesText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

function listText(list: readonly Value[]): string {
  const items = list.map((item) => {
    if (item === null) return "NULL";
    if (Array.isArray(item)) return listText(item);
    const text =
      item instanceof Uint8Array ? bytesText(item) : typeof item === "object" ? jsonText(item) : Object.is(item, -0) ? "-0" : String(item);
    return `"${text.replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${items.join(",")}}`;
}

/** Integers keep all their digits. */
function jsonText(value: Value): string {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(bytesText(value));
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`);
    return `{${entries.join(",")}}`;
  }
  return JSON.stringify(value);
}

function wrong(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}

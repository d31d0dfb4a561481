import type { Value } from "../../../core/contract/rows.ts";

/** One row in the form `core/export/csv.ts` describes; for results that COPY would write in another one. */
export function csvLine(cells: readonly Value[]): string {
  return `${cells.map(csvCell).join(",")}\n`;
}

function csvCell(value: Value): string {
  if (value === null) return "";
  const text = typeof value === "object" && !(value instanceof Uint8Array) ? json(value) : plain(value);
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plain(value: boolean | number | bigint | string | Uint8Array): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Compact JSON; what a JSON reader would round or refuse is a string. */
function json(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  if (value instanceof Uint8Array || typeof value === "string") return JSON.stringify(plain(value));
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`;
  if (typeof value === "number" && !Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}

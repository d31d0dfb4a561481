import type { Column, LogicalType, Value } from "../contract/rows.ts";

/** Column types whose values are numbers, which people read best aligned right. */
export const numericTypes: ReadonlySet<LogicalType> = new Set(["int", "bigint", "float", "decimal"]);

/** Writes one value exactly, as text: the form every text format shares. NULL is `undefined`: each format spells it its own way. */
export function cellText(value: Value | undefined): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return numberText(value);
    case "bigint":
    case "boolean":
      return String(value);
    default:
      if (value === null || value === undefined) return undefined;
      return value instanceof Uint8Array ? base64(value) : jsonText(value);
  }
}

/** Writes a number so that reading it back gives the same bits: `-0` keeps its sign, NaN and ±Infinity are those words. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * Writes one value as compact JSON. What a JSON reader would round or refuse becomes a string:
 * integers beyond 2^53, NaN and ±Infinity. Bytes are base64; `json` columns stay the text they are,
 * so that a JSON null is not taken for NULL.
 */
export function jsonText(value: Value | undefined): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) return `"${value}"`;
      return Object.is(value, -0) ? "-0.0" : String(value);
    case "bigint":
      return isSafe(value) ? String(value) : `"${value}"`;
    case "boolean":
      return String(value);
    default:
      return value === null || value === undefined ? "null" : structureText(value);
  }
}

function structureText(value: NonNullable<Value>): string {
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`)
    .join(",")}}`;
}

export function isSafe(value: bigint): boolean {
  return value >= -9007199254740991n && value <= 9007199254740991n;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Names columns so that each name is there once: a repeated `x` becomes `x_2`, an empty name
 * `column_3` after its position. `fold` says which names count as the same.
 */
export function uniqueNames(columns: readonly Column[], fold: (name: string) => string = (name) => name): string[] {
  const taken = new Set(columns.map(({ name }) => fold(name)));
  const seen = new Set<string>();
  return columns.map(({ name }, index) => {
    const wanted = name === "" ? `column_${index + 1}` : name;
    let unique = wanted;
    for (let n = 2; seen.has(fold(unique)) || (unique !== name && taken.has(fold(unique))); n++) unique = `${wanted}_${n}`;
    seen.add(fold(unique));
    return unique;
  });
}

import type { ObjectName } from "../contract/catalog.ts";

/** Characters no reader can see: controls, bidirectional overrides, tags, line and paragraph separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `text` in double quotes with JSON's escapes, on one line, invisible characters spelled out; `JSON.parse` reads it back. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(invisible, (character) => character.split("").map(escapeUnit).join(""));
}

/** A name as it is when it is one plain word, else `quoted`. */
export function plainName(name: string): string {
  return /^[\p{L}\p{N}_$][\p{L}\p{M}\p{N}_$]*$/u.test(name) ? name : quoted(name);
}

/** `schema.name`, without the schema where it is `implied` or unknown; odd parts are quoted. */
export function qualifiedName({ schema, name }: ObjectName, implied?: string): string {
  return schema === undefined || schema === implied ? plainName(name) : `${plainName(schema)}.${plainName(name)}`;
}

/** A comment as one line: white space folds, invisible characters go, joiners inside words stay. */
export function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/(?![\u200c\u200d])\p{Cf}/gu, "")
    .trim();
}

/** An estimate in two digits: `870`, `1.2k`, `35M`; undefined when there is none to trust. */
export function roughCount(rows: number | undefined): string | undefined {
  if (rows === undefined || !(rows >= 0) || rows === Number.POSITIVE_INFINITY) return undefined;
  const units = ["", "k", "M", "G", "T", "P"];
  let count = Math.round(rows);
  let unit = 0;
  for (; count >= 999.5 && unit < units.length - 1; unit++) count /= 1000;
  const digits = unit > 0 && count < 9.95 ? count.toFixed(1).replace(/\.0$/, "") : String(Math.round(count));
  return digits + units[unit];
}

/** A size in two digits: `64kB`; undefined when there is none to trust. */
export function roughSize(bytes: number | undefined): string | undefined {
  const count = roughCount(bytes);
  return count === undefined ? undefined : `${count}B`;
}

/** Text of several lines without what no reader can see; its layout stays. */
export function visibleText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

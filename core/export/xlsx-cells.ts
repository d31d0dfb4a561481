import type { LogicalType, Value } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { cellText, numericTypes } from "./cell.ts";
import { readMoment, readTime } from "./temporal.ts";
import { styles } from "./xlsx-parts.ts";

/** Characters a cell holds, as Excel counts them. */
const longestText = 32_767;
/** Digits Excel keeps of a number somebody may edit. */
const mostDigits = 15;
const largest = 9.99999999999999e307;
const smallest = 2.2250738585072014e-308;
const dayMicros = 86_400_000_000;
/** Days from Excel's day 0 to 1970-01-01. */
const epoch = 25_569;

/** Where a cell stands and what its column holds, for the message when it does not fit. */
export interface Place {
  readonly reference: string;
  readonly type: LogicalType;
}

/**
 * Writes one cell: as a number, date or boolean where Excel keeps it exactly, else as text. Text is typed
 * as text, so nothing in it is a formula, nor becomes one when somebody edits it. NULL is no cell.
 * @throws LIMIT_EXCEEDED for a text Excel would cut
 */
export function xlsxCell(value: Value | undefined, { reference, type }: Place): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return `<c r="${reference}" t="b"><v>${value ? 1 : 0}</v></c>`;
  if (typeof value === "number" ? isExact(value, type) : numericTypes.has(type) && hasFewDigits(String(value))) {
    return `<c r="${reference}"><v>${value}</v></c>`;
  }
  const dated = typeof value === "string" ? serial(value, type) : undefined;
  if (dated) return `<c r="${reference}" s="${dated.style}"><v>${dated.number}</v></c>`;
  const text = cellText(value) ?? "";
  return textCell(text, reference, /^[=+\-@]/.test(text) ? styles.quoted : styles.general);
}

/** Writes a text cell. */
export function textCell(text: string, reference: string, style: number = styles.general): string {
  if (text.length > longestText) {
    throw problem(
      "LIMIT_EXCEEDED",
      `Cell ${reference} would hold ${text.length} characters: a spreadsheet cell holds ${longestText}`,
      "Write Parquet or CSV instead, or shorten the column in the query",
    );
  }
  return `<c r="${reference}" t="inlineStr"${style === 0 ? "" : ` s="${style}"`}><is><t xml:space="preserve">${escaped(text)}</t></is></c>`;
}

function isExact(value: number, type: LogicalType): boolean {
  const size = Math.abs(value);
  if (type !== "float" && Number.isInteger(value) && size >= 10 ** mostDigits) return false;
  return size === 0 ? !Object.is(value, -0) : size >= smallest && size <= largest;
}

function hasFewDigits(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text) && text.replace(/^-?0*\.?0*/, "").replace(".", "").length <= mostDigits;
}

/** Excel's number for a date or time, from 1900-03-01 (before it, programs disagree by a day) to 9999, in milliseconds. */
function serial(text: string, type: LogicalType): { readonly number: number; readonly style: number } | undefined {
  if (type === "time") {
    const micros = readTime(text);
    if (micros === undefined || micros === dayMicros || micros % 1000 !== 0) return undefined;
    return { number: micros / dayMicros, style: micros % 1_000_000 === 0 ? styles.time : styles.timeMillis };
  }
  if (type !== "date" && type !== "timestamp") return undefined;
  const moment = readMoment(text);
  if (!moment || moment.offset !== undefined || moment.days < -25_508 || moment.days > 2_932_896) return undefined;
  const { days, micros } = moment;
  if (micros === undefined) return { number: days + epoch, style: styles.date };
  if (micros % 1000 !== 0) return undefined;
  const number = ((days + epoch) * 86_400_000 + micros / 1000) / 86_400_000;
  return { number, style: micros % 1_000_000 === 0 ? styles.timestamp : styles.timestampMillis };
}

const special = /[&<>\u0000-\u0008\u000b-\u001f\ufffe\uffff\ud800-\udfff]|_x[0-9a-fA-F]{4}_/;
const markup: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Escapes for XML; what XML cannot hold becomes Excel's `_xHHHH_`, and text that looks like one is escaped in turn. */
function escaped(text: string): string {
  if (!special.test(text)) return text;
  return text
    .replaceAll(/_(?=x[0-9a-fA-F]{4}_)/g, "_x005F_")
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Surrogate}/gu, (character) => {
      return `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
    })
    .replaceAll(/[&<>]/g, (character) => markup[character] ?? character);
}

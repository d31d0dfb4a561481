import type { Value } from "../contract/rows.ts";
import { jsonText } from "../export/cell.ts";
import { csvHeader, csvRow } from "../export/csv.ts";
import { safeText } from "../export/visible.ts";
import type { Sample } from "./sample.ts";

/** A write as it is told: what it does, to how many rows of which tables. */
export interface Told {
  readonly verb: string;
  readonly tables: readonly string[];
  readonly rows?: number | undefined;
}

/** `update, 12 rows of customers`, or without a number `drop customers`. */
export function told({ verb, tables, rows }: Told): string {
  const names = tables.map(safeText).join(", ");
  if (rows === undefined) return names === "" ? verb : `${verb} ${names}`;
  return `${verb}, ${rows} ${rows === 1 ? "row" : "rows"}${names === "" ? "" : ` of ${names}`}`;
}

/** Rows as CSV with a header line, as many as fit, and a line before that says which they are. Never fails: what they come from is done. */
export function sampleText(title: string, { columns, batches, total }: Sample, bytes: number): string {
  if (columns.length === 0) return "";
  const rows: string[] = [];
  let left = bytes;
  for (const { length, columns: cells } of batches) {
    for (let row = 0; row < length && left > 0; row++) {
      const text = csvRow(cells.map((column) => column[row]));
      left -= Buffer.byteLength(text);
      if (left > 0) rows.push(text);
    }
  }
  const of = rows.length === total ? `${total}` : `${rows.length} of ${total}`;
  return `-- ${title}, ${of} ${total === 1 ? "row" : "rows"}:\n${csvHeader(columns)}${rows.join("")}`;
}

/** What a person is asked. Nothing in the statement can hide or reorder what they read. */
export function questionText(
  connection: string,
  write: Told,
  sql: string,
  params: readonly Value[] | Readonly<Record<string, Value>>,
): string {
  const given = Object.keys(params).length === 0 ? "" : `\n\nParameters: ${shown(jsonText(params as Value))}`;
  return `Run this on ${safeText(connection)}? ${told(write)}\n\n${shown(sql)}${given}`;
}

const longest = 4000;
const ending = 1000;

/** The middle of a text that is too long to be read is left out, and said to be. */
function shown(text: string): string {
  const safe = safeText(text.trim());
  if (safe.length <= longest) return safe;
  const left = safe.length - longest;
  return `${safe.slice(0, longest - ending)}\n[… ${left} characters are not shown here …]\n${safe.slice(-ending)}`;
}

import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import { cellText, numericTypes } from "./cell.ts";
import { inChunks } from "./chunks.ts";
import { visible } from "./visible.ts";
import { cutText, textWidth } from "./width.ts";

/** Rows that are held back to find the column widths; later rows keep those widths. */
const sampleRows = 1_000;
/** No column is padded beyond this: one long text must not blow up every line. */
const widest = 120;
const narrowest = 4;

interface Layout {
  readonly columns: readonly Column[];
  readonly widths: readonly number[];
  /** True cuts text that is wider than its column. */
  readonly cut: boolean;
  readonly colour: boolean;
}

/**
 * An aligned table for people. Control characters are made visible, NULL is `NULL` (dim with
 * colour), and on a terminal wide cells are cut with `…` to fit; elsewhere nothing is cut.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return inChunks(lines(rows, options), options);
}

async function* lines(rows: RowStream, { terminal }: EncodeOptions): AsyncGenerator<string> {
  const held: Batch[] = [];
  let layout: Layout | undefined;
  let count = 0;
  const start = (): string => {
    const found = layoutOf(rows.columns, held, terminal);
    const bodies = held.splice(0).map((batch) => body(batch, found));
    layout = found;
    return head(found) + bodies.join("");
  };
  for await (const batch of rows) {
    count += batch.length;
    if (layout) yield body(batch, layout);
    else held.push(batch);
    if (!layout && count >= sampleRows) yield start();
  }
  if (!layout) yield start();
  yield footer(count, rows.columns);
}

/** Says how many rows were shown; nothing for a statement that returns none, like an insert. */
export function footer(count: number, columns: readonly Column[]): string {
  if (columns.length === 0 && count === 0) return "";
  return `(${count.toLocaleString("en-US")} ${count === 1 ? "row" : "rows"})\n`;
}

function layoutOf(columns: readonly Column[], sample: readonly Batch[], terminal: EncodeOptions["terminal"]): Layout {
  const widths = columns.map(({ name }, index) => {
    let width = textWidth(visible(name));
    let seen = 0;
    for (const batch of sample) {
      for (let row = 0; row < batch.length && seen < sampleRows; row++, seen++) {
        width = Math.max(width, textWidth(shown(batch.columns[index]?.[row])));
      }
    }
    return Math.min(width, widest);
  });
  return {
    columns,
    widths: terminal ? fitted(columns, widths, terminal.width) : widths,
    cut: terminal !== undefined,
    colour: terminal?.colour ?? false,
  };
}

/** Narrows the widest columns until a line fits, as far as that goes; a number is never cut. */
function fitted(columns: readonly Column[], widths: readonly number[], available: number): number[] {
  const room = available - widths.length * 3 + 1;
  const capped = (cap: number) => widths.map((width, index) => (isNumeric(columns[index]) ? width : Math.min(width, cap)));
  let cap = Math.max(narrowest, ...widths);
  while (cap > narrowest && capped(cap).reduce((sum, width) => sum + width, 0) > room) cap--;
  return capped(cap);
}

function isNumeric(column: Column | undefined): boolean {
  return column !== undefined && numericTypes.has(column.type);
}

function head(layout: Layout): string {
  if (layout.columns.length === 0) return "";
  const names = layout.columns.map(({ name, type }, index) => {
    const text = padded(visible(name), index, numericTypes.has(type), layout);
    return layout.colour ? `\u001b[1m${text}\u001b[22m` : text;
  });
  return `${line(names)}${layout.widths.map((width) => "─".repeat(width + 2)).join("┼")}\n`;
}

function body({ columns, length }: Batch, layout: Layout): string {
  let text = "";
  if (columns.length === 0) return text;
  for (let row = 0; row < length; row++) text += line(columns.map((column, index) => cell(column[row], index, layout)));
  return text;
}

function line(cells: readonly string[]): string {
  return ` ${cells.join(" │ ").trimEnd()}\n`;
}

function cell(value: Value | undefined, index: number, layout: Layout): string {
  const right = typeof value === "number" || typeof value === "bigint" || isNumeric(layout.columns[index]);
  const text = padded(shown(value), index, right, layout);
  return layout.colour && (value === null || value === undefined) ? `\u001b[2m${text}\u001b[22m` : text;
}

function shown(value: Value | undefined): string {
  return visible(cellText(value) ?? "NULL");
}

function padded(text: string, index: number, right: boolean, { widths, cut }: Layout): string {
  const width = widths[index] ?? 0;
  const kept = cut && !right ? cutText(text, width) : text;
  const padding = " ".repeat(Math.max(0, width - textWidth(kept)));
  return right ? padding + kept : kept + padding;
}

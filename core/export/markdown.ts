import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream, Value } from "../contract/rows.ts";
import { cellText, numericTypes } from "./cell.ts";
import { textChunks } from "./chunks.ts";
import { asText, noteTypes } from "./notes.ts";

/** A GitHub table: NULL is the word `NULL`, a line break inside a cell `<br>`, numbers align right. */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  noteTypes(rows.columns, asText, options);
  return textChunks(lines(rows), options);
}

async function* lines(rows: RowStream): AsyncGenerator<string> {
  if (rows.columns.length === 0) return;
  yield line(rows.columns.map(({ name }) => markdownCell(name)));
  yield line(rows.columns.map(({ type }) => (numericTypes.has(type) ? "---:" : "---")));
  for await (const { columns, length } of rows) {
    let text = "";
    for (let row = 0; row < length; row++) text += line(columns.map((column) => markdownCell(column[row])));
    yield text;
  }
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

/** Writes one value for a Markdown table: what would end the cell, or be read as an escape or a tag, is escaped. */
export function markdownCell(value: Value | undefined): string {
  return (cellText(value) ?? "NULL")
    .replace(/\\(?=[!-/:-@[-`{-~]|$)/g, "\\\\")
    .replaceAll("|", "\\|")
    .replace(/<(?=[a-zA-Z/!?])/g, "\\<")
    .replace(/\r\n|\r|\n/g, "<br>");
}

import { createHash } from "node:crypto";
import type { EncodeOptions } from "../contract/export.ts";
import type { Column, RowStream, Value } from "../contract/rows.ts";
import { cellText, numericTypes } from "./cell.ts";
import { textChunks } from "./chunks.ts";
import { asText, noteTypes } from "./notes.ts";

const style = `:root{color-scheme:light dark;font:14px/1.4 system-ui,sans-serif}
body{margin:1.5rem}
table{border-collapse:collapse}
th,td{padding:.25rem .6rem;border:1px solid #8886;text-align:left;vertical-align:top;white-space:pre-wrap;overflow-wrap:anywhere}
th{position:sticky;top:0;background:Canvas}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.null,i{opacity:.55}
`;

/** Nothing may run or be fetched, whatever the data says: only this one style applies. */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/**
 * Writes a complete page with one table. Data is text on it and can be nothing else; NULL has a class of its own,
 * and a U+0000, which HTML has no place for, is `<i>␀</i>`.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return textChunks(page(rows, options), options);
}

async function* page(rows: RowStream, options: EncodeOptions): AsyncGenerator<string> {
  noteTypes(rows.columns, asText, options);
  const numeric = rows.columns.map(({ type }) => numericTypes.has(type));
  yield head(rows.columns, options.name || "result");
  let count = 0;
  for await (const { columns, length } of rows) {
    let text = "";
    for (let row = 0; row < length; row++) {
      text += "<tr>";
      for (let index = 0; index < columns.length; index++) text += cell(columns[index]?.[row], numeric[index] ?? false);
      text += "</tr>\n";
    }
    count += length;
    yield text;
  }
  yield `</tbody>\n</table>\n<p>${count.toLocaleString("en-US")} ${count === 1 ? "row" : "rows"}</p>\n</body>\n</html>\n`;
}

function head(columns: readonly Column[], title: string): string {
  const names = columns.map(
    ({ name, type, nativeType }) =>
      `<th scope="col"${numericTypes.has(type) ? ' class="n"' : ""} title="${attribute(nativeType || type)}">${escaped(name)}</th>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>${attribute(title)}</title>
<style>${style}</style>
</head>
<body>
<table>
<thead>
<tr>${names.join("")}</tr>
</thead>
<tbody>
`;
}

function cell(value: Value | undefined, numeric: boolean): string {
  const text = cellText(value);
  if (text === undefined) return '<td class="null">NULL</td>';
  return `<td${numeric ? ' class="n"' : ' dir="auto"'}>${escaped(text)}</td>`;
}

/** Text as it is written where no element can stand. */
export function attribute(text: string): string {
  return escaped(text.replaceAll("\0", "␀"));
}

const special = /[&<>"'\r\0]/;
const markup: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // A reader makes a line feed of it otherwise.
  "\r": "&#13;",
  "\0": "<i>␀</i>",
};

function escaped(text: string): string {
  return special.test(text) ? text.replaceAll(/[&<>"'\r\0]/g, (character) => markup[character] ?? character) : text;
}

import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, RowStream } from "../contract/rows.ts";
import { cellText } from "./cell.ts";
import { inChunks } from "./chunks.ts";
import { footer } from "./table.ts";
import { visible } from "./visible.ts";
import { textWidth } from "./width.ts";

interface Layout {
  readonly names: readonly string[];
  readonly rule: string;
  readonly nothing: string;
}

/** One line per value, for wide rows and long texts. Nothing is cut; control characters are made visible; zero rows list the names. */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return inChunks(lines(rows, options), options);
}

async function* lines(rows: RowStream, { terminal }: EncodeOptions): AsyncGenerator<string> {
  const names = rows.columns.map(({ name }) => visible(name));
  const width = Math.max(0, ...names.map(textWidth));
  const layout: Layout = {
    names: names.map((name) => name + " ".repeat(width - textWidth(name))),
    rule: "─".repeat(Math.max(3, width - 3)),
    nothing: terminal?.colour ? "\u001b[2mNULL\u001b[22m" : "NULL",
  };
  let count = 0;
  for await (const batch of rows) {
    yield records(batch, layout, count);
    count += batch.length;
  }
  if (count === 0) yield names.map((name) => `${name}\n`).join("");
  yield footer(count, rows.columns);
}

function records({ columns, length }: Batch, { names, rule, nothing }: Layout, before: number): string {
  let text = "";
  for (let row = 0; row < length; row++) {
    text += `─[ ${before + row + 1} ]${rule}\n`;
    for (let index = 0; index < columns.length; index++) {
      const value = cellText(columns[index]?.[row]);
      text += `${names[index]} │ ${value === undefined ? nothing : visible(value)}\n`;
    }
  }
  return text;
}

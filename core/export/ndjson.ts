import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { jsonText, uniqueNames } from "./cell.ts";
import { textChunks } from "./chunks.ts";
import { asJson, noteTypes } from "./notes.ts";

/**
 * One JSON object per line. A repeated name `x` becomes `x_2`, an empty one `column_3` after its
 * position. Zero rows make an empty file: the columns have no place in this format.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  noteTypes(rows.columns, asJson, options);
  return textChunks(lines(rows), options);
}

async function* lines(rows: RowStream): AsyncGenerator<string> {
  const keys = uniqueNames(rows.columns).map((name, index) => `${index > 0 ? "," : "{"}${JSON.stringify(name)}:`);
  for await (const { columns, length } of rows) {
    let text = "";
    for (let row = 0; row < length; row++) {
      for (let index = 0; index < columns.length; index++) text += keys[index] + jsonText(columns[index]?.[row]);
      text += columns.length > 0 ? "}\n" : "{}\n";
    }
    yield text;
  }
}

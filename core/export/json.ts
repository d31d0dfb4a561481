import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { jsonText } from "./cell.ts";
import { textChunks } from "./chunks.ts";
import { asJson, noteTypes } from "./notes.ts";

/**
 * One document, `{"columns":[{"name","type","nativeType"}…],"rows":[[…]…]}`, a row per line. Columns
 * come first and rows are arrays, so zero rows keep their columns and duplicate names survive.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  noteTypes(rows.columns, asJson, options);
  return textChunks(document(rows), options);
}

async function* document(rows: RowStream): AsyncGenerator<string> {
  yield `{"columns":${JSON.stringify(rows.columns.map(({ name, type, nativeType }) => ({ name, type, nativeType })))},"rows":[`;
  let separator = "\n";
  for await (const { columns, length } of rows) {
    let text = "";
    for (let row = 0; row < length; row++) {
      text += `${separator}[`;
      for (let index = 0; index < columns.length; index++) text += (index > 0 ? "," : "") + jsonText(columns[index]?.[row]);
      text += "]";
      separator = ",\n";
    }
    yield text;
  }
  yield "\n]}\n";
}

import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import { uniqueNames } from "./cell.ts";
import { encodeRows } from "./delimited.ts";
import { columnNote, noteTypes } from "./notes.ts";
import { postgresType } from "./sql-types.ts";
import { quotedName, tableName } from "./table-name.ts";
import { tsv } from "./tsv.ts";

/** Writes a script for `psql`: `CREATE TABLE` in PostgreSQL's own types, and the rows as `COPY` reads them, in one transaction. */
export async function* encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  if (rows.columns.length === 0) return;
  noteTypes(rows.columns, { list: "JSON text" }, options);
  const table = quotedName(tableName(options));
  const names = uniqueNames(rows.columns).map(quotedName);
  const columns = rows.columns.map((column, index) => `  ${names[index]} ${postgresType(column)}`);
  const head = `BEGIN;\nCREATE TABLE ${table} (\n${columns.join(",\n")}\n);\nCOPY ${table} (${names.join(", ")}) FROM stdin;\n`;
  yield* encodeRows(spelt(rows, options), tsv, head);
  yield new TextEncoder().encode("\\.\nCOMMIT;\n");
}

/** The rows with every value as PostgreSQL spells it. */
async function* spelt(rows: RowStream, options: EncodeOptions): AsyncGenerator<Batch> {
  const spellings = rows.columns.map((column) => spelling(column, options));
  for await (const { length, columns } of rows) {
    yield { length, columns: columns.map((values, index) => Array.from({ length }, (_, row) => spellings[index]?.(values[row]) ?? null)) };
  }
}

function spelling({ name, type }: Column, { note }: EncodeOptions): (value: Value | undefined) => Value {
  let told = false;
  const dated = type === "date" || type === "timestamp" || type === "timestamptz";
  return (value) => {
    if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
    if (typeof value !== "string") return value ?? null;
    if (dated && value.includes("(BC)")) return `${value.replace(" (BC)", "")} BC`;
    if (!value.includes("\0")) return value;
    if (!told) note?.(columnNote(name, "U+0000 is U+FFFD"));
    told = true;
    return value.replaceAll("\0", "\ufffd");
  };
}

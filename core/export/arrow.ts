import {
  AsyncByteQueue,
  type Data,
  Field,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  type RecordBatchWriter,
  Schema,
  Struct,
  Type,
} from "apache-arrow";
import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { type ArrowColumn, declaredColumn, observedColumns } from "./arrow-columns.ts";
import { uniqueNames } from "./cell.ts";
import { columnNote, noteTypes } from "./notes.ts";

/**
 * Writes an Arrow IPC file, a record batch per batch of rows. Repeated names become `x_2`, `nativeType` is field
 * metadata; intervals, uuids, JSON, lists and decimals without precision are text. A column that holds other
 * values than it declares takes the type of its first batch.
 * @throws UNSUPPORTED when a later value does not fit: an Arrow column has one type, and no value is altered.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return encodeArrow(rows, new RecordBatchFileWriter(), options);
}

const instead = { interval: "text", uuid: "text", json: "text", list: "JSON text" } as const;

interface Table {
  readonly schema: Schema;
  readonly columns: readonly (Column & { readonly arrow: ArrowColumn })[];
}

/** Encodes a stream with Arrow's writer for its file or its stream format. */
export async function* encodeArrow(rows: RowStream, writer: RecordBatchWriter, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  noteTypes(rows.columns, instead, options);
  const bytes = new Collected();
  const start = (first: Batch): Table => {
    const table = tableOf(rows.columns, first, options);
    writer.reset(bytes, table.schema);
    return table;
  };
  let table: Table | undefined;
  let before = 0;
  for await (const batch of rows) {
    table ??= start(batch);
    writer.write(recordBatch(table, batch, before));
    before += batch.length;
    yield bytes.take();
  }
  if (!table) start({ length: 0, columns: [] });
  writer.finish();
  yield bytes.take();
}

function tableOf(columns: readonly Column[], first: Batch, options: EncodeOptions): Table {
  const names = uniqueNames(columns);
  const typed = columns.map((column, index) => ({
    ...column,
    name: names[index] ?? "",
    arrow: arrowColumn(column, { first, index, ...options }),
  }));
  const fields = typed.map(({ name, nativeType, arrow }) => new Field(name, arrow.type, true, new Map([["nativeType", nativeType]])));
  return { schema: new Schema(fields), columns: typed };
}

function arrowColumn(
  column: Column,
  { first, index, note }: { readonly first: Batch; readonly index: number } & Pick<EncodeOptions, "note">,
): ArrowColumn {
  const values = first.columns[index] ?? [];
  const declared = declaredColumn(column);
  if (column.type === "decimal" && declared.type.typeId === Type.Utf8) note?.(columnNote(column.name, "text"));
  if (Array.prototype.every.call(values, (value) => value === null)) return declared;
  const candidates = column.type === "unknown" ? observedColumns : [declared, ...observedColumns];
  const found = candidates.find((candidate) => !("misfit" in candidate.fill(values, first.length))) ?? declared;
  if (column.type !== "unknown" && found !== declared) {
    note?.(columnNote(column.name, `${found.type}, because not all of its first values are ${declared.type}`));
  }
  return found;
}

function recordBatch({ schema, columns }: Table, batch: Batch, before: number): RecordBatch {
  const children = columns.map(({ name, arrow }, index): Data => {
    const filled = arrow.fill(batch.columns[index] ?? [], batch.length);
    if (!("misfit" in filled)) return filled;
    throw problem(
      "UNSUPPORTED",
      `Column "${name}" is ${arrow.type} in Arrow, and row ${before + filled.misfit + 1} holds a value of another type`,
      "Cast the column to one type in the query, or write Parquet, CSV or NDJSON",
    );
  });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: batch.length, nullCount: 0, children }));
}

/** Takes what an Arrow writer writes, instead of queueing it behind promises. */
class Collected extends AsyncByteQueue {
  #parts: Uint8Array[] = [];

  override write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  take(): Uint8Array {
    return Buffer.concat(this.#parts.splice(0));
  }
}

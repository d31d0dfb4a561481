import { RecordBatchStreamWriter } from "apache-arrow";
import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { encodeArrow } from "./arrow.ts";

/** Writes the Arrow IPC stream format: like `arrow`, readable while it is still being written. */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return encodeArrow(rows, new RecordBatchStreamWriter(), options);
}

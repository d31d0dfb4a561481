import { setImmediate } from "node:timers/promises";
import type { CsvStream, QueryOptions } from "../../core/contract/driver.ts";
import { CsvWriter } from "./csv-writer.ts";
import { closeSource, type RowSource } from "./rows.ts";

/** A result as CSV straight from the engine's cells: no batches in between. */
export function createCsvStream(source: RowSource, { signal }: QueryOptions): CsvStream {
  const writer = new CsvWriter(source);
  return {
    columns: source.columns,
    get rows() {
      return writer.rows;
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (let chunk = writer.next(); chunk !== undefined; chunk = writer.next()) {
          yield chunk;
          await setImmediate();
          signal.throwIfAborted();
        }
      } finally {
        closeSource(source);
      }
    },
    [Symbol.asyncDispose]: async () => closeSource(source),
  };
}

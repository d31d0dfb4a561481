import { setImmediate } from "node:timers/promises";
import type { CsvStream, QueryOptions } from "../../core/contract/driver.ts";
import type { RowSource } from "./rows.ts";
import { CsvWriter } from "./values/csv-writer.ts";

/** A result as CSV straight from the engine's cells: text is copied as the bytes it came as. */
export function createCsvStream(source: RowSource, { signal }: QueryOptions): CsvStream {
  const writer = new CsvWriter(source);
  const { columns, reader } = source;
  return {
    columns,
    get rows() {
      return writer.rows;
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (let rows = await reader.next(); rows !== undefined; rows = await reader.next()) {
          for (const row of rows) {
            writer.row(row);
            if (!writer.full) continue;
            yield writer.take();
            await setImmediate();
            signal.throwIfAborted();
          }
        }
        if (!writer.empty) yield writer.take();
      } finally {
        await reader.close();
      }
    },
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

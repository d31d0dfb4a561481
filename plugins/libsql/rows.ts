import { setImmediate } from "node:timers/promises";
import type { QueryOptions } from "../../core/contract/driver.ts";
import type { Batch, RowStream, Value } from "../../core/contract/rows.ts";
import type { Cell, Reader, Row } from "./engine.ts";
import { type Cells, cellReader } from "./values/cells.ts";

/** A batch ends early at this many characters and bytes, so that wide rows stay flat too. */
const mostBatchSize = 8 * 2 ** 20;

export interface RowSource extends Cells {
  readonly reader: Reader;
  readonly affectedRows?: number;
}

export function createRowStream(source: RowSource, { signal, batchSize }: QueryOptions): RowStream {
  const { columns, reader, affectedRows } = source;
  return {
    columns,
    ...(affectedRows !== undefined && { affectedRows }),
    async *[Symbol.asyncIterator]() {
      try {
        for await (const batch of batches(source, batchSize)) {
          yield batch;
          // The engine blocks this thread: between batches a cancel must have a chance to arrive.
          await setImmediate();
          signal.throwIfAborted();
        }
      } finally {
        await reader.close();
      }
    },
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

async function* batches(source: RowSource, batchSize: number): AsyncGenerator<Batch> {
  const readers = source.columns.map((_, index) => cellReader(source, index));
  let columns: Value[][] = readers.map(() => []);
  let length = 0;
  let size = 0;
  for (let rows = await source.reader.next(); rows !== undefined; rows = await source.reader.next()) {
    for (const row of rows) {
      for (let index = 0; index < readers.length; index++) {
        const cell = row[index] as Cell;
        if (typeof cell === "string" || cell instanceof Uint8Array) size += cell.length;
        columns[index]?.push(readers[index]?.(cell) as Value);
      }
      if (++length < batchSize && size < mostBatchSize) continue;
      yield { length, columns };
      columns = readers.map(() => []);
      length = 0;
      size = 0;
    }
  }
  if (length > 0) yield { length, columns };
}

/** Rows that were read before. */
export function finishedReader(columns: Reader["columns"], rows: readonly Row[]): Reader {
  let left: readonly Row[] | undefined = rows.length > 0 ? rows : undefined;
  return {
    columns,
    async next() {
      const given = left;
      left = undefined;
      return given;
    },
    async close() {
      left = undefined;
    },
  };
}

/** All rows of a statement of this driver's own, which has few. */
export async function allRows(reader: Reader): Promise<Row[]> {
  const found: Row[] = [];
  try {
    for (let rows = await reader.next(); rows !== undefined; rows = await reader.next()) found.push(...rows);
  } finally {
    await reader.close();
  }
  return found;
}

import type { Batch, RowStream } from "../contract/rows.ts";

/** What passed through a shaped stream so far. */
export interface Passed {
  rows: number;
  /** True once rows were left out because of the limit. */
  cut: boolean;
}

/**
 * Limits and counts a stream, lazily per batch. `end` runs exactly once: after the last row, on the
 * first error (which it may replace), when the reader leaves early, or when the stream is disposed unread.
 */
export function shape(
  rows: RowStream,
  maxRows: number,
  end: (passed: Passed, error?: unknown) => Promise<unknown>,
): RowStream & { readonly passed: Passed } {
  const passed: Passed = { rows: 0, cut: false };
  let ended = false;
  const finish = async (error?: unknown): Promise<unknown> => {
    if (ended) return error;
    ended = true;
    await rows[Symbol.asyncDispose]();
    return end(passed, error);
  };
  return {
    columns: rows.columns,
    get affectedRows() {
      return rows.affectedRows as number;
    },
    passed,
    async *[Symbol.asyncIterator]() {
      try {
        for await (const batch of rows) {
          const fits = maxRows - passed.rows;
          if (batch.length > fits) {
            passed.cut = true;
            passed.rows += fits;
            if (fits > 0) yield head(batch, fits);
            return;
          }
          passed.rows += batch.length;
          yield batch;
        }
      } catch (error) {
        throw await finish(error);
      } finally {
        await finish();
      }
    },
    [Symbol.asyncDispose]: async () => void (await finish()),
  };
}

function head(batch: Batch, length: number): Batch {
  return { length, columns: batch.columns.map((column) => Array.prototype.slice.call(column, 0, length)) };
}

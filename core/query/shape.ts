import type { Batch, RowStream } from "../contract/rows.ts";
import { fit, type Room } from "./fit.ts";

/** What passed through a shaped stream so far. */
export interface Passed {
  rows: number;
  /** What left rows out, once something did. */
  cut: false | keyof Room;
}

/**
 * Limits and counts a stream, lazily per batch. `end` runs exactly once: after the last row, on the
 * first error (which it may replace), when the reader leaves early, or when the stream is disposed unread.
 */
export function shape(
  rows: RowStream,
  most: Room,
  end: (passed: Passed, error?: unknown) => Promise<unknown>,
): RowStream & { readonly passed: Passed } {
  const passed: Passed = { rows: 0, cut: false };
  let bytes = 0;
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
          const fits = fit(batch, { rows: most.rows - passed.rows, bytes: most.bytes - bytes });
          passed.rows += fits.rows;
          bytes += fits.bytes;
          passed.cut = fits.cut;
          if (fits.cut === false) {
            yield batch;
            continue;
          }
          if (fits.rows > 0) yield head(batch, fits.rows);
          return;
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

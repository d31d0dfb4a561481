import { setImmediate } from "node:timers/promises";
import type { QueryOptions } from "../../core/contract/driver.ts";
import type { Batch, Column, RowStream, Value } from "../../core/contract/rows.ts";
import type { Cell, Steps } from "./steps.ts";
import type { TextProof } from "./text-proof.ts";

/** A batch ends early at this many characters and bytes, so that wide rows stay flat too. */
const mostBatchSize = 8 * 2 ** 20;

export interface RowSource {
  readonly columns: readonly Column[];
  readonly steps: Steps;
  readonly proof: TextProof;
  readonly affectedRows?: number;
}

/** Frees the engine: nothing of the source can be read afterwards. */
export function closeSource({ steps, proof }: RowSource): void {
  steps.close();
  proof.close();
}

export function createRowStream(source: RowSource, { signal, batchSize }: QueryOptions): RowStream {
  const { columns, affectedRows } = source;
  return {
    columns,
    ...(affectedRows !== undefined && { affectedRows }),
    async *[Symbol.asyncIterator]() {
      const read = batchReader(source, batchSize);
      try {
        while (true) {
          const { batch, last } = read();
          if (batch.length > 0) yield batch;
          if (last) return;
          // The engine blocks this thread: between batches a cancel must have a chance to arrive.
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

/** Reads the next rows; `last` when the engine has no more. */
function batchReader({ columns, steps, proof }: RowSource, batchSize: number): () => { readonly batch: Batch; readonly last: boolean } {
  const booleans = columns.map(({ type }) => type === "boolean");
  let row = 0;
  return () => {
    const cells: Value[][] = columns.map(() => []);
    let length = 0;
    let size = 0;
    let last = false;
    while (length < batchSize && size < mostBatchSize) {
      const step = steps.next();
      last = step === undefined;
      if (step === undefined) break;
      for (let index = 0; index < cells.length; index++) {
        const cell = step[index] as Cell;
        if (typeof cell === "string" || cell instanceof Uint8Array) size += cell.length;
        if (typeof cell === "string" && cell.includes("\ufffd")) proof.check(row, index, cell);
        cells[index]?.push(valueIn(cell, booleans[index] === true));
      }
      length++;
      row++;
    }
    return { batch: { length, columns: cells }, last };
  };
}

/** SQLite keeps a boolean as 0 or 1. Everything else a boolean column may hold stays what it is. */
function valueIn(cell: Cell, isBoolean: boolean): Value {
  if (typeof cell !== "bigint") return cell;
  const number = Number(cell);
  if (!Number.isSafeInteger(number)) return cell;
  return isBoolean && (number === 0 || number === 1) ? number === 1 : number;
}

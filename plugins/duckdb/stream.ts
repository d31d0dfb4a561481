import { type DuckDBDataChunk, type DuckDBResult, ResultReturnType } from "@duckdb/node-api";
import type { Batch, Column, RowStream } from "../../core/contract/rows.ts";
import { interruptible, type Session } from "./session.ts";
import { batchesOf } from "./values/batches.ts";
import { logicalType, nativeType } from "./values/types.ts";

export function columnsOf(result: DuckDBResult): Column[] {
  return result.columnNames().map((name, index) => {
    const native = nativeType(result.columnType(index));
    return { name, type: logicalType(native), nativeType: native };
  });
}

interface Reading {
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly batchSize: number;
  /** Learns why the engine stopped in the middle: it does not say so itself. */
  failure(): Promise<unknown>;
}

export interface Rows extends RowStream {
  /** Stops the engine. Whoever still reads hears the reason, if there is one. */
  close(reason?: Error): Promise<void>;
}

/** A result as it comes. Ends the session after the last row, on an error, or when the reader leaves. */
export function streamRows(result: DuckDBResult, reading: Reading): Rows {
  const columns = columnsOf(result);
  const source = createChunks(result, reading);
  const rows = batches();
  async function* batches(): AsyncGenerator<Batch> {
    try {
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        for (const batch of batchesOf(chunk, columns.length, reading.batchSize)) {
          yield batch;
          reading.signal.throwIfAborted();
        }
      }
    } finally {
      await source.close();
    }
  }
  const dispose = async () => {
    await source.close();
    await rows.return(undefined);
  };
  return { columns, close: source.close, [Symbol.asyncIterator]: () => rows, [Symbol.asyncDispose]: dispose };
}

/** The rows of a statement that has none. */
export function noRows(affectedRows: number | undefined): Rows {
  const nothing = async () => undefined;
  return {
    columns: [],
    ...(affectedRows !== undefined && { affectedRows }),
    close: nothing,
    async *[Symbol.asyncIterator]() {},
    [Symbol.asyncDispose]: nothing,
  };
}

/** Chunks, the next one under way while its predecessor is read: fetching happens on another thread. */
function createChunks(result: DuckDBResult, { session, signal, failure }: Reading) {
  const { native } = session;
  let coming: Promise<DuckDBDataChunk | null> | undefined;
  let closing: Promise<void> | undefined;
  let explaining: Promise<unknown> | undefined;
  let ended = false;
  let broken: Error | undefined;

  const fetch = () => {
    const chunk = result.fetchChunk();
    chunk.catch(() => undefined); // It is awaited later; until then a failure must not count as unhandled.
    return chunk;
  };
  /** The engine lets go of its files only when the rows it has ready are taken. */
  const drain = async () => {
    const stop = setInterval(() => native.interrupt(), 1);
    native.interrupt();
    try {
      if (explaining !== undefined) await explaining;
      else for (let chunk = await (coming ?? fetch()); chunk !== null && chunk.rowCount > 0; chunk = await fetch());
    } catch {
      // The interrupt, arriving: what was asked for.
    } finally {
      clearInterval(stop);
    }
  };
  return {
    async next(): Promise<DuckDBDataChunk | undefined> {
      const arriving = closing === undefined ? interruptible(native, signal, coming ?? fetch()) : Promise.resolve(null);
      const chunk = await arriving.catch((error) => {
        throw broken ?? error;
      });
      if (broken !== undefined && !ended) throw broken;
      if (closing !== undefined) return undefined;
      if (chunk === null || chunk.rowCount === 0) {
        // A result that failed ends with the same empty chunk as one that is complete; only this tells them apart.
        if (result.returnType === ResultReturnType.INVALID) explaining = failure();
        const error = await explaining;
        ended = true;
        if (error !== undefined) throw broken ?? error;
        return undefined;
      }
      coming = fetch();
      return chunk;
    },
    close(reason?: Error): Promise<void> {
      broken ??= reason;
      closing ??= (async () => {
        try {
          if (!ended) await drain();
        } finally {
          await session.end();
        }
      })();
      return closing;
    },
  };
}

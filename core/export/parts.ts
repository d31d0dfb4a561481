import type { ObjectName } from "../contract/catalog.ts";
import type { Connection, CopyOptions, CsvStream, PartReader } from "../contract/driver.ts";
import { PartQueue } from "./part-queue.ts";

/** A connection on loan; `broken` discards it instead of giving it back. */
interface Loan {
  readonly connection: Connection;
  release(broken?: boolean): Promise<void>;
}

export interface PartsRequest {
  readonly table: ObjectName;
  /** Connections in all, at most: the first, and as many others as can be had while it works. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly spelling?: CopyOptions["spelling"];
  /** Waits for one more connection like the first. */
  borrow(signal: AbortSignal): Promise<Loan>;
  /** Told why a connection did not join: fewer are slower, and no less right. */
  without(error: unknown): void;
}

/**
 * A whole table as CSV, read over several connections as it was at one moment, in its own order. Memory
 * holds a few parts of it; the failure of one is the failure of all. `undefined` when it cannot be split.
 */
export async function copyTable(first: Connection, request: PartsRequest): Promise<CsvStream | undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const split = await first.split?.(request.table, { signal, spelling: request.spelling });
  if (split === undefined) return undefined;
  const queue = new PartQueue(split.parts);
  const readers: PartReader[] = [split];
  const working: Promise<void>[] = [];
  const begin = () => {
    const read = (reader: PartReader) => readParts(reader, queue);
    const joined = (reader: PartReader) => {
      readers.push(reader);
      return read(reader);
    };
    const others = Array.from({ length: request.jobs - 1 }, () => help(split.token, { ...request, signal }, joined));
    for (const work of [read(split), ...others]) working.push(work.catch((error) => queue.fail(error)));
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    queue.close();
    stop.abort();
    closed ??= Promise.all(working).then(() => split[Symbol.asyncDispose]());
    return closed;
  };
  return {
    columns: split.columns,
    get rows() {
      return readers.reduce((sum, { rows }) => sum + rows, 0);
    },
    async *[Symbol.asyncIterator]() {
      if (closed !== undefined) return;
      begin();
      try {
        yield* queue.chunks();
      } finally {
        await close();
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

async function readParts(reader: PartReader, queue: PartQueue): Promise<void> {
  for (let part = await queue.next(); part !== undefined; part = await queue.next()) {
    for await (const chunk of reader.copyPart(part)) if (!(await queue.put(part, chunk))) return;
    queue.finish(part);
  }
}

/** Reads parts over one more connection, if there is one before the end. */
async function help(token: string, { borrow, signal, without }: PartsRequest, read: (reader: PartReader) => Promise<void>): Promise<void> {
  const none = (error: unknown) => void (signal.aborted || without(error));
  const loan = await borrow(signal).catch(none);
  if (loan === undefined) return;
  let broken = true;
  try {
    await using reader = await loan.connection.joinSplit?.(token, signal).catch(none);
    if (reader !== undefined) await read(reader);
    broken = false;
  } finally {
    await loan.release(broken);
  }
}

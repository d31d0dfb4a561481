import { Worker } from "node:worker_threads";
import type { Connection, Driver, Transaction } from "../contract/driver.ts";
import type { Batch } from "../contract/rows.ts";
import { createSecret } from "../secrets/secret.ts";
import { frame, readFrame, writeFully } from "./frames.ts";
import type { DriverSource, SeatOpened, SeatReply, SeatRequest } from "./isolate.ts";

/** An open stream in this process: pages of rows, or of CSV bytes. */
interface Pages {
  next(): Promise<{ readonly page?: unknown; readonly affectedRows?: number; readonly last?: boolean }>;
  close(): Promise<void>;
}

/**
 * Runs one connection for a parent process: requests arrive on standard input, replies leave on
 * standard output, one at a time and in order. Ends when the parent's pipe closes. Reads and writes
 * block: there is nothing else to do here, and an event loop between two system calls only costs time.
 */
export async function runSeat(load: (source: DriverSource) => Promise<Driver>): Promise<void> {
  const seat = createSeat(load);
  watchParent();
  for (let request = readFrame(0); request !== undefined; request = readFrame(0)) {
    for (const part of frame(await seat.answer(request as SeatRequest))) writeFully(1, part);
  }
  process.exit(0);
}

function createSeat(load: (source: DriverSource) => Promise<Driver>) {
  const streams = new Map<number, Pages>();
  const signal = new AbortController().signal; // A cancel arrives as the end of this process.
  let driver: Driver | undefined;
  let connection: Connection | undefined;
  let transaction: Transaction | undefined;
  const open = (): Connection => connection ?? raise("The connection is not open");

  const handle = async (request: SeatRequest): Promise<unknown> => {
    switch (request.do) {
      case "connect": {
        driver = await load(request.source);
        const { password, ...rest } = request.target;
        connection = await driver.connect(
          { ...rest, ...(password && { password: createSecret(password) }) },
          { signal, readOnly: request.readOnly },
        );
        const { copyOut, file, render, begin } = connection;
        return {
          copyOut: copyOut !== undefined,
          render: render !== undefined,
          begin: begin !== undefined,
          ...(file && { file }),
        } satisfies SeatOpened;
      }
      case "query": {
        const rows = await (transaction ?? open()).query(request.sql, request.params, { ...request, signal });
        const batches = rows[Symbol.asyncIterator]();
        const next = async () => {
          const { done, value } = await batches.next();
          return done ? { ...(rows.affectedRows !== undefined && { affectedRows: rows.affectedRows }) } : { page: plain(value) };
        };
        const close = async () => rows[Symbol.asyncDispose]();
        const opened = await opening(next, request.batchSize);
        if (!opened.first.last) streams.set(request.id, { next: opened.next, close });
        return { stream: request.id, columns: rows.columns, first: opened.first };
      }
      case "copyOut": {
        const csv = (await open().copyOut?.(request.sql, request.params, { ...request, signal })) ?? raise("copyOut is absent");
        const chunks = csv[Symbol.asyncIterator]();
        const next = async () => {
          const { done, value } = await chunks.next();
          return done ? {} : { page: { bytes: value, rows: csv.rows } };
        };
        streams.set(request.id, { next, close: async () => csv[Symbol.asyncDispose]() });
        return { stream: request.id, columns: csv.columns };
      }
      case "next": {
        const got: Awaited<ReturnType<Pages["next"]>> = (await streams.get(request.stream)?.next()) ?? {};
        if (got.page === undefined) streams.delete(request.stream);
        return got;
      }
      case "close":
        await streams.get(request.stream)?.close();
        streams.delete(request.stream);
        return undefined;
      case "analyze":
        return open().analyze(request.sql);
      case "begin":
        transaction = await open().begin?.({ ...request, signal });
        return undefined;
      case "commit":
      case "rollback": {
        const ending = transaction;
        transaction = undefined;
        return request.do === "commit" ? ending?.commit(signal) : ending?.rollback();
      }
      case "render":
        return open().render?.(request.sql, request.restrictions, signal) ?? raise("render is absent");
      case "explain":
        return open().explain(request.sql, request.params, { ...request, signal });
      case "catalog":
        return open().catalog.read({ detail: request.detail, signal, ...(request.object && { object: request.object }) });
      case "ping":
        return open().ping(signal);
      case "prove":
        return open().proveReadOnly(signal);
      case "end":
        return open()[Symbol.asyncDispose]();
    }
  };
  return {
    async answer(request: SeatRequest): Promise<SeatReply> {
      try {
        return { id: request.id, value: await handle(request) };
      } catch (error) {
        return {
          id: request.id,
          failed: driver?.diagnose(error),
          text: error instanceof Error ? (error.stack ?? error.message) : String(error),
        };
      }
    },
  };
  function raise(text: string): never {
    throw new TypeError(text);
  }
}

/**
 * Reads the first page so that it travels with the answer, and the end too when the page is not full:
 * most results are one page, and then one round trip is all.
 */
async function opening(next: Pages["next"], full: number) {
  const first = await next();
  if (first.page === undefined) return { first: { ...first, last: true }, next };
  if ((first.page as Batch).length >= full) return { first, next };
  const second = await next();
  if (second.page === undefined) return { first: { ...second, ...first, last: true }, next };
  let held: typeof second | undefined = second;
  return {
    first,
    next: async () => {
      const page = held ?? (await next());
      held = undefined;
      return page;
    },
  };
}

/** Columns may be any array-like; only real arrays and typed arrays survive the pipe. */
function plain(batch: Batch): Batch {
  const columns = batch.columns.map((column) => (Array.isArray(column) || ArrayBuffer.isView(column) ? column : Array.from(column)));
  return { length: batch.length, columns };
}

/** A statement that blocks this thread also blocks the news that the parent died, so another thread looks. */
function watchParent(): void {
  const source =
    "const parent = process.ppid; setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 1000)";
  new Worker(source, { eval: true }).unref();
}

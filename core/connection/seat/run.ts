import { Worker } from "node:worker_threads";
import type { Connection, Driver, Transaction } from "../../contract/driver.ts";
import { createSecret } from "../../secrets/secret.ts";
import { frame, readFrame, writeFully } from "./frames.ts";
import type { DriverSource, QueryRequest, SeatOpened, SeatReply, SeatRequest, SeatTarget } from "./messages.ts";
import { csvPages, type Pages, rowPages } from "./pages.ts";

type Load = (source: DriverSource) => Promise<Driver>;

/**
 * Runs one connection for a parent process: requests arrive on standard input, replies leave on
 * standard output, one at a time and in order. Ends when the parent's pipe closes. Reads and writes
 * block: there is nothing else to do here, and an event loop between two system calls only costs time.
 */
export async function runSeat(load: Load): Promise<void> {
  const answer = createSeat(load);
  watchParent();
  for (let request = readFrame(0); request !== undefined; request = readFrame(0)) {
    for (const part of frame(await answer(request as SeatRequest))) writeFully(1, part);
  }
  process.exit(0);
}

function createSeat(load: Load): (request: SeatRequest) => Promise<SeatReply> {
  let driver: Driver | undefined;
  let handle: (request: SeatRequest) => unknown = () => raise("The connection is not open");
  const connect = async ({ source, target, readOnly }: SeatRequest & { readonly do: "connect" }): Promise<SeatOpened> => {
    driver = await load(source);
    const connection = await driver.connect(unsealed(target), { signal: never, readOnly });
    handle = createHandler(connection);
    const { copyOut, file, render, begin } = connection;
    return { copyOut: copyOut !== undefined, render: render !== undefined, begin: begin !== undefined, ...(file && { file }) };
  };
  return async (request) => {
    const { id } = request;
    try {
      return { id, value: await (request.do === "connect" ? connect(request) : handle(request)) };
    } catch (error) {
      return { id, failed: driver?.diagnose(error), text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
}

/** A cancel arrives as the end of this process. */
const never = new AbortController().signal;

function createHandler(connection: Connection): (request: SeatRequest) => unknown {
  const streams = new Map<number, Pages>();
  let transaction: Transaction | undefined;

  const query = async ({ id, sql, params, ...options }: QueryRequest) => {
    const rows = await (transaction ?? connection).query(sql, params, { ...options, signal: never });
    const { first, rest } = await rowPages(rows, options.batchSize);
    if (!first.last) streams.set(id, rest);
    return { stream: id, columns: rows.columns, first };
  };
  const copyOut = async ({ id, sql, params, ...options }: QueryRequest) => {
    const csv = (await connection.copyOut?.(sql, params, { ...options, signal: never })) ?? raise("copyOut is absent");
    streams.set(id, csvPages(csv));
    return { stream: id, columns: csv.columns };
  };
  const next = async (stream: number) => {
    const got = (await streams.get(stream)?.next()) ?? {};
    if (got.page === undefined) streams.delete(stream);
    return got;
  };
  const close = async (stream: number) => {
    await streams.get(stream)?.close();
    streams.delete(stream);
  };
  const end = (how: "commit" | "rollback") => {
    const ending = transaction;
    transaction = undefined;
    return how === "commit" ? ending?.commit(never) : ending?.rollback();
  };

  return async (request) => {
    switch (request.do) {
      case "query":
        return query(request);
      case "copyOut":
        return copyOut(request);
      case "next":
        return next(request.stream);
      case "close":
        return close(request.stream);
      case "analyze":
        return connection.analyze(request.sql);
      case "begin":
        transaction = await connection.begin?.({ ...request, signal: never });
        return undefined;
      case "commit":
      case "rollback":
        return end(request.do);
      case "render":
        return connection.render?.(request.sql, request.restrictions, never) ?? raise("render is absent");
      case "explain":
        return connection.explain(request.sql, request.params, { ...request, signal: never });
      case "catalog":
        return connection.catalog.read({ detail: request.detail, signal: never, ...(request.object && { object: request.object }) });
      case "ping":
        return connection.ping(never);
      case "prove":
        return connection.proveReadOnly(never);
      case "end":
        return connection[Symbol.asyncDispose]();
    }
  };
}

function unsealed({ password, ...rest }: SeatTarget) {
  return { ...rest, ...(password && { password: createSecret(password) }) };
}

function raise(text: string): never {
  throw new TypeError(text);
}

/** A statement that blocks this thread also blocks the news that the parent died, so another thread looks. */
function watchParent(): void {
  const source =
    "const parent = process.ppid; setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 1000)";
  new Worker(source, { eval: true }).unref();
}

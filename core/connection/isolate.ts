import { type ChildProcess, spawn } from "node:child_process";
import type { EventEmitter } from "node:events";
import type { RelationRestriction } from "../contract/analysis.ts";
import type {
  BeginOptions,
  Connection,
  ConnectOptions,
  CsvStream,
  Driver,
  HeldFile,
  Params,
  QueryOptions,
  Target,
  Transaction,
} from "../contract/driver.ts";
import type { Diagnosis } from "../contract/problem.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import { frame, frameReader } from "./frames.ts";

/** How long an analysis is good for: a schema may change under it. */
const rememberMillis = 1000;

/** How long an engine may take to close before its process is ended. */
const closeMillis = 1000;

/** Where a driver lives, so that another process can load the same one. */
export interface DriverSource {
  /** Name of a plugin bundled in the binary, or the absolute path of an installed plugin's entry. */
  readonly plugin: string;
  readonly driver: string;
}

/** How a child is told what to do; see `seat.ts`. */
export type SeatRequest =
  | { readonly id: number; readonly do: "connect"; readonly source: DriverSource; readonly target: SeatTarget; readonly readOnly: boolean }
  | ({ readonly id: number; readonly do: "query" | "copyOut"; readonly sql: string; readonly params: Params } & Carried)
  | { readonly id: number; readonly do: "next" | "close"; readonly stream: number }
  | { readonly id: number; readonly do: "analyze"; readonly sql: string }
  | { readonly id: number; readonly do: "render"; readonly sql: string; readonly restrictions: readonly RelationRestriction[] }
  | ({ readonly id: number; readonly do: "explain"; readonly sql: string; readonly params: Params; readonly analyze: boolean } & Carried)
  | {
      readonly id: number;
      readonly do: "catalog";
      readonly detail: "names" | "columns" | "full";
      readonly object?: { schema?: string; name: string };
    }
  | { readonly id: number; readonly do: "begin"; readonly readOnly: boolean; readonly isolation?: BeginOptions["isolation"] }
  | { readonly id: number; readonly do: "ping" | "prove" | "end" | "commit" | "rollback" };

/** The options of a query that go through the pipe. */
type Carried = Omit<QueryOptions, "signal">;

/** What a child says of the connection it opened. */
export interface SeatOpened {
  readonly copyOut: boolean;
  readonly render: boolean;
  readonly begin: boolean;
  readonly file?: HeldFile;
}

/** A target on its way through a pipe: the password travels revealed, and only to our own child's standard input. */
export type SeatTarget = Omit<Target, "password"> & { readonly password?: string };

export type SeatReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failed: Diagnosis | undefined; readonly text: string };

type Body<Request> = Request extends { readonly id: number } ? Omit<Request, "id"> : never;

/** An error a child reported; `diagnosis` is what the driver in the child made of it. */
interface SeatError extends Error {
  readonly diagnosis?: Diagnosis;
}

/**
 * Makes a driver whose every connection lives in a process of its own. A cancel ends that process,
 * which is the one thing an engine that blocks its thread cannot ignore; the pool then opens another.
 */
export function isolated(driver: Driver, source: DriverSource, seatCommand: readonly string[]): Driver {
  return {
    ...driver,
    diagnose: (error) => (error as SeatError | null | undefined)?.diagnosis ?? driver.diagnose(error),
    connect: (target, options) => connectSeat(source, target, options, seatCommand),
  };
}

async function connectSeat(
  source: DriverSource,
  target: Target,
  options: ConnectOptions,
  seatCommand: readonly string[],
): Promise<Connection> {
  const seat = openSeat(seatCommand);
  const { password, ...rest } = target;
  const shown: SeatTarget = { ...rest, ...(password && { password: password.reveal() }) };
  try {
    const opened = await seat.ask({ do: "connect", source, target: shown, readOnly: options.readOnly }, options.signal);
    return seatConnection(seat, opened as SeatOpened);
  } catch (error) {
    seat.end();
    throw error;
  }
}

function seatConnection(seat: Seat, has: SeatOpened): Connection {
  const never = new AbortController().signal;
  const turn = { held: false };
  return {
    async query(sql, params, options) {
      if (turn.held) throw conflict("The connection is in a transaction", "Commit it or roll it back first");
      return openRows(seat, sql, params, options);
    },
    analyze: remembered((sql, signal = never) => seat.ask({ do: "analyze", sql }, signal) as ReturnType<Connection["analyze"]>),
    explain: (sql, params, { signal, ...options }) => seat.ask({ do: "explain", sql, params, ...options }, signal) as Promise<string>,
    catalog: {
      read: ({ detail, object, signal }) =>
        seat.ask({ do: "catalog", detail, ...(object && { object }) }, signal) as ReturnType<Connection["catalog"]["read"]>,
    },
    ping: async (signal) => void (await seat.ask({ do: "ping" }, signal)),
    get ended() {
      return seat.ended();
    },
    proveReadOnly: (signal) => seat.ask({ do: "prove" }, signal) as ReturnType<Connection["proveReadOnly"]>,
    ...(has.file && { file: has.file }),
    ...(has.copyOut && { copyOut: (sql: string, params: Params, options: QueryOptions) => copyOut(seat, sql, params, options) }),
    ...(has.render && {
      render: (sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal) =>
        seat.ask({ do: "render", sql, restrictions }, signal) as Promise<string>,
    }),
    ...(has.begin && { begin: (options: BeginOptions) => begin(seat, options, turn) }),
    [Symbol.asyncDispose]: () => endGently(seat),
  };
}

/** While a transaction lives the child runs every query in it. A cancel ends the child, and the transaction with it. */
async function begin(seat: Seat, { signal, ...options }: BeginOptions, turn: { held: boolean }): Promise<Transaction> {
  await seat.ask({ do: "begin", ...options }, signal);
  turn.held = true;
  const never = new AbortController().signal;
  let over = false;
  const end = async (how: "commit" | "rollback", within: AbortSignal) => {
    if (over) throw conflict("The transaction is over", "Begin a new one");
    over = true;
    turn.held = false;
    await seat.ask({ do: how }, within);
  };
  return {
    async query(sql, params, given) {
      if (over) throw conflict("The transaction is over", "Begin a new one");
      return openRows(seat, sql, params, given);
    },
    commit: (within) => end("commit", within),
    rollback: () => end("rollback", never),
    [Symbol.asyncDispose]: async () => {
      if (!over && !seat.ended()) await end("rollback", never);
    },
  };
}

const conflict = (message: string, hint: string): SeatError =>
  Object.assign(new Error(message), { diagnosis: { code: "CONFLICT", message, hint } as const });

/** The engine tidies up behind itself, unless it is too busy to listen. */
async function endGently(seat: Seat): Promise<void> {
  try {
    if (!seat.ended()) await seat.ask({ do: "end" }, AbortSignal.timeout(closeMillis));
  } catch {
    // Whoever closes a connection has no use for what its engine says about it.
  } finally {
    seat.end();
  }
}

/** What a text reaches changes with the schema only, so the same text is not asked for twice within a moment. */
function remembered(analyze: Connection["analyze"]): Connection["analyze"] {
  const known = new Map<string, { readonly found: Awaited<ReturnType<Connection["analyze"]>>; readonly until: number }>();
  return async (sql, signal) => {
    const entry = known.get(sql);
    if (entry !== undefined && performance.now() < entry.until) return entry.found;
    const found = await analyze(sql, signal);
    known.delete(sql);
    known.set(sql, { found, until: performance.now() + rememberMillis });
    const [oldest] = known.keys();
    if (known.size > 100 && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

async function openRows(seat: Seat, sql: string, params: Params, { signal, ...options }: QueryOptions): Promise<RowStream> {
  const opened = (await seat.ask({ do: "query", sql, params, ...options }, signal)) as {
    stream: number;
    columns: Column[];
    first: Page<Batch>;
  };
  const pages = pull(seat, opened.stream, signal, opened.first);
  let affectedRows: number | undefined;
  return {
    columns: opened.columns,
    get affectedRows() {
      return affectedRows as number;
    },
    async *[Symbol.asyncIterator]() {
      affectedRows = yield* pages.items();
    },
    [Symbol.asyncDispose]: () => pages.close(),
  };
}

async function copyOut(seat: Seat, sql: string, params: Params, { signal, ...options }: QueryOptions): Promise<CsvStream> {
  const opened = (await seat.ask({ do: "copyOut", sql, params, ...options }, signal)) as { stream: number; columns: Column[] };
  const pages = pull<{ readonly bytes: Uint8Array; readonly rows: number }>(seat, opened.stream, signal);
  let rows = 0;
  return {
    columns: opened.columns,
    get rows() {
      return rows;
    },
    async *[Symbol.asyncIterator]() {
      for await (const page of pages.items()) {
        rows = page.rows;
        yield page.bytes;
      }
    },
    [Symbol.asyncDispose]: () => pages.close(),
  };
}

/** One piece of a stream; without a page the stream has ended. */
interface Page<Content> {
  readonly page?: Content;
  readonly affectedRows?: number;
  /** True when nothing follows this page. */
  readonly last?: boolean;
}

/** Reads a child's stream one page ahead, so that the engine works while we do. */
function pull<Content>(seat: Seat, stream: number, signal: AbortSignal, first?: Page<Content>) {
  let open = first?.last !== true;
  let left = false;
  const next = () => {
    const page = seat.ask({ do: "next", stream }, signal) as Promise<Page<Content>>;
    page.catch(() => undefined); // Reported when it is awaited; a stream left early never awaits its last page.
    return page;
  };
  const close = async () => {
    left = true;
    if (!open) return;
    open = false;
    if (!seat.ended()) await seat.ask({ do: "close", stream }, new AbortController().signal);
  };
  return {
    close,
    async *items(): AsyncGenerator<Content, number | undefined> {
      if (left) return undefined;
      try {
        let got = first ?? (await next());
        while (got.page !== undefined) {
          const ahead = got.last ? { ...got, page: undefined } : next();
          yield got.page;
          got = await ahead;
        }
        open = false;
        return got.affectedRows;
      } finally {
        await close();
      }
    },
  };
}

interface Seat {
  ask(body: Body<SeatRequest>, signal: AbortSignal): Promise<unknown>;
  ended(): boolean;
  end(): void;
}

function openSeat([program = process.execPath, ...args]: readonly string[]): Seat {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: seatEnvironment() });
  // Deno's types do not say that a child process emits events.
  const exits = child as unknown as EventEmitter;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let last = 0;
  let gone: Error | undefined;
  const end = (why?: Error) => {
    if (gone !== undefined) return;
    gone = why ?? closedError("The connection was closed");
    process.off("exit", endQuietly);
    child.kill("SIGKILL");
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  const endQuietly = () => end();
  process.on("exit", endQuietly);
  listen(child, waiting);
  exits.on("error", end);
  exits.on("exit", (code: number | null, signal: string | null) =>
    end(closedError(`The engine's process ended (${signal ?? `exit code ${code}`})`)),
  );
  return {
    ended: () => gone !== undefined,
    end: endQuietly,
    async ask(body, signal) {
      signal.throwIfAborted();
      if (gone !== undefined) throw gone;
      const id = ++last;
      const abort = () => {
        waiting.get(id)?.reject(signal.reason);
        end();
      };
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await new Promise((resolve, reject) => {
          waiting.set(id, { resolve, reject });
          for (const part of frame({ id, ...body })) child.stdin?.write(part);
        });
      } finally {
        waiting.delete(id);
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

function listen(child: ChildProcess, waiting: Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>): void {
  const read = frameReader((message) => {
    const reply = message as SeatReply;
    const asked = waiting.get(reply.id);
    if (asked === undefined) return;
    if ("value" in reply) asked.resolve(reply.value);
    else asked.reject(Object.assign(new Error(reply.text), reply.failed && { diagnosis: reply.failed }));
  });
  child.stdout?.on("data", read);
  child.stdin?.on("error", () => undefined); // A dead child is reported once, by "exit".
}

function closedError(message: string): SeatError {
  const diagnosis: Diagnosis = { code: "CONNECTION_FAILED", message, hint: "Run the call again: a new connection is opened by itself" };
  return Object.assign(new Error(message), { diagnosis });
}

/** Bun reads these before our code runs, and would run foreign code in the child. */
function seatEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(BUN_|NODE_OPTIONS$|DENO_)/.test(name));
  // Engines written in Rust log to standard output unless told not to, and it carries our frames.
  return { ...Object.fromEntries(kept), RUST_LOG: "off" };
}

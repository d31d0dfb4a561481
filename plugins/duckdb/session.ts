import type { DuckDBConnection } from "@duckdb/node-api";
import type { Member } from "./engine/database.ts";
import type { Engine } from "./engine/instance.ts";
import { refusal } from "./errors/refusal.ts";

/** One piece of work on a connection; whoever began it ends it. */
export interface Session {
  readonly native: DuckDBConnection;
  readonly engine: Engine;
  /** Starts afresh; from here to the end the engine refuses every write, also where it was opened for writing. */
  readOnly(): Promise<void>;
  end(): Promise<void>;
}

/** Lets one piece of work happen at a time. */
export interface Sessions {
  begin(signal: AbortSignal): Promise<Session>;
  /** How to stop rows that are still to be read, when the connection is closed. @throws when it has been, meanwhile. */
  stopWith(stop: (reason: Error) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export function createSessions(member: Member): Sessions {
  let closed = false;
  let working: { readonly over: PromiseWithResolvers<void>; stop?: (reason: Error) => Promise<void> } | undefined;
  /** The end of the work before: nobody waits for it but who comes next. */
  let ending: Promise<void> | undefined;

  const start = (native: DuckDBConnection, engine: Engine, exit: () => void): Session => {
    let inTransaction = false;
    let ended = false;
    const rollBack = async () => {
      if (inTransaction) await native.run("ROLLBACK");
      inTransaction = false;
    };
    return {
      native,
      engine,
      async readOnly() {
        await rollBack();
        await native.run("BEGIN TRANSACTION READ ONLY");
        inTransaction = true;
      },
      async end() {
        if (ended) return;
        ended = true;
        const { over } = working ?? {};
        working = undefined;
        ending = rollBack().finally(() => {
          exit();
          over?.resolve();
        });
        ending.catch(() => undefined); // Whoever comes next hears of it.
      },
    };
  };

  return {
    async begin(signal) {
      if (closed)
        throw refusal({ code: "CONNECTION_FAILED", message: "The connection is closed", hint: "Open a new one", retryable: true });
      signal.throwIfAborted();
      // DuckDB would drop the rows of the first statement without a word.
      if (working)
        throw refusal({
          code: "CONFLICT",
          message: "The connection is busy with another statement",
          hint: "Read its rows to the end first",
        });
      working = { over: Promise.withResolvers() };
      try {
        await ending;
        const { native, engine, exit } = await member.enter(signal);
        return start(native, engine, exit);
      } catch (error) {
        working.over.resolve();
        working = undefined;
        throw error;
      }
    },
    async stopWith(stop) {
      if (working !== undefined) working.stop = stop;
      if (!closed) return;
      await stop(closedError());
      throw closedError();
    },
    async close() {
      if (closed) return;
      closed = true;
      await working?.stop?.(closedError());
      await working?.over.promise;
      await ending?.catch(() => undefined); // The connection goes, and its transaction with it.
      member.leave();
    },
  };
}

function closedError(): Error {
  return refusal({ code: "CONNECTION_FAILED", message: "The connection is closed", hint: "Open a new one", retryable: true });
}

const interruptMillis = 5;

/**
 * Waits for the engine, and stops it when the caller leaves. One interrupt is not enough: the engine forgets it
 * when the statement has not begun, and work that has just been handed to its thread has not.
 */
export async function interruptible<Result>(native: DuckDBConnection, signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = () => {
    native.interrupt();
    timer = setInterval(() => native.interrupt(), interruptMillis);
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    const result = await work;
    signal.throwIfAborted();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearInterval(timer);
  }
}

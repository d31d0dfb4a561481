import type { DuckDBConnection } from "@duckdb/node-api";
import type { Member } from "./database.ts";
import type { Engine } from "./instance.ts";
import { refusal } from "./refusal.ts";

/** One piece of work on a connection; whoever began it ends it, once. */
export interface Session {
  readonly native: DuckDBConnection;
  readonly engine: Engine;
  /** From here to the end the engine refuses every write, also where it was opened for writing. */
  readOnly(): Promise<void>;
  end(): Promise<void>;
}

/** Lets one piece of work happen at a time. */
export interface Sessions {
  begin(signal: AbortSignal): Promise<Session>;
  /** How work that is going on can be stopped when the connection is closed. */
  stopWith(stop: () => Promise<void>): void;
  close(): Promise<void>;
}

export function createSessions(member: Member): Sessions {
  let closed = false;
  let working = false;
  let stop: (() => Promise<void>) | undefined;
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
      working = true;
      try {
        const { native, engine, exit } = await member.enter(signal);
        let inTransaction = false;
        return {
          native,
          engine,
          async readOnly() {
            await native.run("BEGIN TRANSACTION READ ONLY");
            inTransaction = true;
          },
          async end() {
            try {
              if (inTransaction) await native.run("ROLLBACK");
            } finally {
              working = false;
              stop = undefined;
              exit();
            }
          },
        };
      } catch (error) {
        working = false;
        throw error;
      }
    },
    stopWith(wanted) {
      stop = wanted;
    },
    async close() {
      if (closed) return;
      closed = true;
      await stop?.();
      member.leave();
    },
  };
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

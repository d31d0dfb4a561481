import type { DuckDBConnection } from "@duckdb/node-api";
import { refusal } from "../errors/refusal.ts";
import type { Engine } from "./instance.ts";

/** What all connections of this process to one place share. */
export interface Database {
  /** Adds a connection. Its errors are those of opening the place. */
  join(readOnly: boolean, signal: AbortSignal): Promise<Member>;
}

export interface Member {
  /** The engine, for one piece of work. */
  enter(signal: AbortSignal): Promise<Turn>;
  /** Not to be called while at work. */
  leave(): void;
}

export interface Turn {
  readonly native: DuckDBConnection;
  readonly engine: Engine;
  /** To be called exactly once. */
  exit(): void;
}

const patienceMillis = 10_000;

/**
 * Shares one engine. DuckDB does not notice when one process opens a file twice, and then each engine reads what the
 * other has overwritten; also, closing one would free the file locks of both. So there is never more than one: it is
 * opened for reading, changed to one that writes when a writable connection joins and no work is going on, and changed
 * back when the last of them has left. Work that starts meanwhile waits.
 */
export function createDatabase(deps: {
  readonly start: (writable: boolean) => Promise<Engine>;
  /** False when an engine that may write harms nobody, because it is in memory. */
  readonly lockable: boolean;
  readonly gone: () => void;
}): Database {
  let engine: Engine | undefined;
  let changing: Promise<void> | undefined;
  let members = 0;
  let writers = 0;
  let busy = 0;
  const waiting = new Set<() => void>();

  const writable = () => !deps.lockable || writers > 0;
  const wake = () => {
    for (const resume of waiting) resume();
  };
  const close = () => {
    engine?.close();
    engine = undefined;
  };
  const change = async () => {
    close();
    engine = await deps.start(writable());
  };

  const enter = async (signal: AbortSignal): Promise<Engine> => {
    while (true) {
      signal.throwIfAborted();
      if (changing !== undefined) await settled(changing, signal);
      else if (engine?.writable === writable()) {
        busy++;
        return engine;
      } else if (busy > 0) await idle(waiting, signal);
      else {
        changing = change().finally(() => {
          changing = undefined;
          tidy();
        });
        changing.catch(() => undefined); // Heard by those who wait for it; all of them may have left.
      }
    }
  };
  const exit = () => {
    busy--;
    tidy();
    wake();
  };
  /** Frees locks as soon as nobody needs them. */
  const tidy = () => {
    if (busy > 0 || changing !== undefined) return;
    if (members === 0 || engine?.writable !== writable()) close();
    if (members === 0) deps.gone();
  };

  return {
    async join(readOnly, signal) {
      let joined = true;
      members++;
      if (!readOnly) writers++;
      const leave = () => {
        if (!joined) return;
        joined = false;
        member.close();
        members--;
        if (!readOnly) writers--;
        tidy();
        wake();
      };
      const member = createMember(enter, exit);
      try {
        (await (readOnly ? member.enter(signal) : patiently(member, signal))).exit();
        return { enter: member.enter, leave };
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

/** One native connection, made anew after the engine was changed. */
function createMember(enter: (signal: AbortSignal) => Promise<Engine>, exit: () => void) {
  let engine: Engine | undefined;
  let native: DuckDBConnection | undefined;
  return {
    async enter(signal: AbortSignal): Promise<Turn> {
      const current = await enter(signal);
      try {
        if (native === undefined || engine !== current) native = await current.connect();
        engine = current;
        return { native, engine, exit };
      } catch (error) {
        exit();
        throw error;
      }
    },
    close() {
      if (native !== undefined) engine?.disconnect(native);
    },
  };
}

/** A writer waits for reads that are going on, but not for one whose reader has stopped halfway. */
async function patiently(member: Pick<Member, "enter">, signal: AbortSignal): Promise<Turn> {
  const patience = AbortSignal.timeout(patienceMillis);
  try {
    return await member.enter(AbortSignal.any([signal, patience]));
  } catch (error) {
    if (error !== patience.reason) throw error;
    throw refusal({
      code: "CONNECTION_FAILED",
      message: "Cannot open the database for writing: a query is still reading it",
      hint: "Try again when the query has ended",
      retryable: true,
    });
  }
}

/** Waits for work that others wait for too; rejects as soon as the caller leaves. */
function settled(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return abortable(signal, (resume, fail) => void work.then(resume, fail));
}

async function idle(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  let mine: (() => void) | undefined;
  try {
    await abortable(signal, (resume) => {
      mine = resume;
      waiting.add(resume);
    });
  } finally {
    if (mine !== undefined) waiting.delete(mine);
  }
}

function abortable(signal: AbortSignal, start: (resume: () => void, fail: (error: unknown) => void) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  start(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

import type { Connection, ReadOnlyProof } from "../contract/driver.ts";
import { asProblem } from "../problem.ts";
import { isInPlace } from "./path.ts";

/** A connection on loan. Whoever took it gives it back exactly once; `broken` discards it instead. */
export interface Lease {
  readonly connection: Connection;
  release(broken?: boolean): Promise<void>;
}

export interface Pool {
  /** Waits for a free connection, opening one when allowed; honours the signal while waiting. */
  take(signal: AbortSignal): Promise<Lease>;
  /** What the read-only self-test found; runs it when it has not run yet. */
  proof(signal: AbortSignal): Promise<ReadOnlyProof>;
  /** The proof found so far, without opening anything. */
  readonly proved: ReadOnlyProof | undefined;
  /** Connections open now, on loan or idle. */
  readonly open: number;
  /** The last failure to open, until one succeeds. */
  readonly failure: string | undefined;
  close(): Promise<void>;
}

interface Waiter {
  readonly wake: () => void;
}

/**
 * Keeps up to `most` connections; idle ones close after `idleMillis`, which also frees file locks.
 * `open` opens one connection and must honour its signal.
 */
export function createPool(deps: {
  readonly open: (signal: AbortSignal) => Promise<Connection>;
  readonly most: number;
  readonly idleMillis: number;
  /** The read-only self-test runs this long after a connection first falls idle, so that no call waits for it; absent means only when asked for. */
  readonly proveAfterMillis?: number;
  /** Told when a write got through, or when trying failed. */
  readonly unproved?: (why: string) => void;
  /** Told when the file of an idle connection was replaced or deleted. */
  readonly replaced?: () => void;
}): Pool {
  const idle: { readonly connection: Connection; readonly timer: ReturnType<typeof setTimeout> }[] = [];
  const waiters: Waiter[] = [];
  let count = 0;
  let closed = false;
  let failure: string | undefined;
  let proved: ReadOnlyProof | undefined;
  let proving: ReturnType<typeof setTimeout> | undefined;

  const drop = async (connection: Connection) => {
    count--;
    waiters.shift()?.wake();
    await connection[Symbol.asyncDispose]();
  };

  const give = async (connection: Connection, broken: boolean) => {
    if (broken || closed) return drop(connection);
    const timer = setTimeout(() => {
      const at = idle.findIndex((entry) => entry.connection === connection);
      if (at >= 0) idle.splice(at, 1);
      void drop(connection);
    }, deps.idleMillis);
    timer.unref?.();
    idle.push({ connection, timer });
    waiters.shift()?.wake();
    if (deps.proveAfterMillis === undefined || proving !== undefined) return;
    proving = setTimeout(
      () => void prove(new AbortController().signal).catch((error) => deps.unproved?.(asProblem(error).message)),
      deps.proveAfterMillis,
    );
    proving.unref?.();
  };

  const takeIdle = (): Connection | undefined => {
    for (let entry = idle.pop(); entry !== undefined; entry = idle.pop()) {
      clearTimeout(entry.timer);
      const { ended, file } = entry.connection;
      // A file that was replaced or deleted stays readable to whoever has it open, and would give old answers.
      const replaced = file !== undefined && !isInPlace(file);
      if (!ended && !replaced) return entry.connection;
      if (replaced) deps.replaced?.();
      void drop(entry.connection);
    }
    return undefined;
  };

  const openOne = async (signal: AbortSignal): Promise<Connection> => {
    count++;
    try {
      const connection = await deps.open(signal);
      failure = undefined;
      return connection;
    } catch (error) {
      failure = asProblem(error).message;
      count--;
      waiters.shift()?.wake();
      throw error;
    }
  };

  const acquire = async (signal: AbortSignal): Promise<Connection> => {
    while (true) {
      signal.throwIfAborted();
      const connection = takeIdle();
      if (connection !== undefined) return connection;
      if (count < deps.most) return openOne(signal);
      await waitTurn(waiters, signal);
    }
  };

  const take = async (signal: AbortSignal): Promise<Lease> => {
    const connection = await acquire(signal);
    let released = false;
    return {
      connection,
      release: async (broken = false) => {
        if (released) return;
        released = true;
        await give(connection, broken);
      },
    };
  };

  const prove = async (signal: AbortSignal): Promise<ReadOnlyProof> => {
    if (proved !== undefined) return proved;
    const lease = await take(signal);
    try {
      proved = await lease.connection.proveReadOnly(signal);
      const through = proved.attempts.filter(({ refused }) => !refused).map(({ attempt }) => attempt);
      if (proved.state === "UNVERIFIED") deps.unproved?.(`these got through: ${through.join(", ")}`);
      return proved;
    } finally {
      await lease.release(signal.aborted);
    }
  };

  return {
    take,
    get proved() {
      return proved;
    },
    get open() {
      return count;
    },
    get failure() {
      return failure;
    },
    proof: prove,
    async close() {
      closed = true;
      clearTimeout(proving);
      const entries = idle.splice(0);
      for (const { timer } of entries) clearTimeout(timer);
      await Promise.all(entries.map(({ connection }) => drop(connection)));
    },
  };
}

async function waitTurn(waiters: Waiter[], signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const waiter: Waiter = {
      wake: () => {
        signal.removeEventListener("abort", abort);
        resolve();
      },
    };
    const abort = () => {
      const at = waiters.indexOf(waiter);
      if (at >= 0) waiters.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    waiters.push(waiter);
  });
}

import type { Connection, ReadOnlyProof } from "../contract/driver.ts";
import { asProblem, type Problem, problem } from "../problem.ts";
import { createOpener } from "./opener.ts";
import { createShelf, type Kept } from "./shelf.ts";
import { createTurns } from "./turns.ts";

/** How long a connection may take to give back what a caller left on it. */
const resetMillis = 5000;

/** A connection on loan. Whoever took it gives it back exactly once; `broken` discards it instead. */
export interface Loan {
  readonly connection: Connection;
  /** True when somebody used it before: it may have died since without a sign. */
  readonly reused: boolean;
  release(broken?: boolean): Promise<void>;
}

export interface PoolLimits {
  /** Connections at the same time. */
  readonly most: number;
  /** How long a call waits for one when all are busy. */
  readonly waitMillis: number;
  /** How long one is kept without use, which also frees file locks. */
  readonly idleMillis: number;
  /** How long one is used at all. */
  readonly lifetimeMillis: number;
  /** After so long without use it is checked before it is lent. */
  readonly checkAfterMillis: number;
}

export interface Pool {
  /** Waits for a free connection, opening one when allowed; honours the signal. @throws RATE_LIMITED after `waitMillis` */
  take(signal: AbortSignal): Promise<Loan>;
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

/** Keeps connections for the calls that follow, up to a limit; who comes first is served first. */
export function createPool(deps: {
  /** The connection's name, for messages. */
  readonly name: string;
  readonly limits: PoolLimits;
  /** Opens one connection and honours its signal. */
  readonly open: (signal: AbortSignal) => Promise<Connection>;
  /** Whether callers may leave something behind that has to be taken back. */
  readonly resets: boolean;
  /** The read-only self-test runs this long after a connection first falls idle, so that no call waits for it; absent means only when asked for. */
  readonly proveAfterMillis?: number;
  /** Told when a write got through, or when trying failed. */
  readonly unproved?: (why: string) => void;
  /** Told when the file of an idle connection was replaced or deleted. */
  readonly replaced?: () => void;
}): Pool {
  const { name, limits } = deps;
  const opener = createOpener(deps.open);
  const turns = createTurns({ ...limits, late: () => opener.failure ?? busy(name, limits) });
  let open = 0;
  let closed = false;
  let proved: ReadOnlyProof | undefined;
  let proving: ReturnType<typeof setTimeout> | undefined;

  const drop = async ({ connection }: Kept) => {
    open--;
    try {
      await connection[Symbol.asyncDispose]();
    } catch {
      // It is gone either way, and nobody waits for it.
    }
  };
  const shelf = createShelf({ ...limits, drop, replaced: () => deps.replaced?.() });

  const openOne = async (signal: AbortSignal, failures: number): Promise<Kept> => {
    const connection = await opener.open(signal, failures);
    open++;
    const now = Date.now();
    return { connection, openedAt: now, usedAt: now, alarms: 0 };
  };

  const isReusable = async ({ connection, openedAt }: Kept): Promise<boolean> => {
    if (closed || connection.ended || Date.now() - openedAt >= limits.lifetimeMillis) return false;
    if (!deps.resets || connection.reset === undefined) return true;
    try {
      await connection.reset(AbortSignal.timeout(resetMillis));
      return !closed;
    } catch {
      // What cannot be taken back goes with the connection.
      return false;
    }
  };

  const give = async (kept: Kept, broken: boolean) => {
    if (broken || kept.connection.ended) shelf.alarm();
    const reusable = !broken && (await isReusable(kept));
    if (reusable) shelf.put(kept);
    turns.give();
    if (!reusable) return drop(kept);
    if (deps.proveAfterMillis === undefined || proving !== undefined) return;
    proving = setTimeout(
      () => void prove(new AbortController().signal).catch((error) => deps.unproved?.(asProblem(error).message)),
      deps.proveAfterMillis,
    );
    proving.unref?.();
  };

  const take = async (signal: AbortSignal): Promise<Loan> => {
    const { failures } = opener;
    await turns.take(signal);
    try {
      if (closed) throw problem("CONNECTION_FAILED", `The connection "${name}" is closed`);
      const known = await shelf.take(signal);
      const kept = known ?? (await openOne(signal, failures));
      let released = false;
      return {
        connection: kept.connection,
        reused: known !== undefined,
        async release(broken = false) {
          if (released) return;
          released = true;
          await give(kept, broken);
        },
      };
    } catch (error) {
      turns.give();
      throw error;
    }
  };

  const prove = async (signal: AbortSignal): Promise<ReadOnlyProof> => {
    if (proved !== undefined) return proved;
    const loan = await take(signal);
    try {
      proved = await loan.connection.proveReadOnly(signal);
      const through = proved.attempts.filter(({ refused }) => !refused).map(({ attempt }) => attempt);
      if (proved.state === "UNVERIFIED") deps.unproved?.(`these got through: ${through.join(", ")}`);
      return proved;
    } finally {
      await loan.release(signal.aborted);
    }
  };

  return {
    take,
    get proved() {
      return proved;
    },
    get open() {
      return open;
    },
    get failure() {
      return opener.failure?.message;
    },
    proof: prove,
    async close() {
      closed = true;
      clearTimeout(proving);
      await Promise.all(shelf.clear().map(drop));
    },
  };
}

function busy(name: string, { most, waitMillis }: PoolLimits): Problem {
  const connections = most === 1 ? `The one connection of "${name}" is` : `All ${most} connections of "${name}" are`;
  return problem(
    "RATE_LIMITED",
    `${connections} busy, and none came free within ${waitMillis / 1000} s`,
    "Try again later, or raise limits.maxConcurrent or pool.wait",
  );
}

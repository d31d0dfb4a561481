import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../contract/driver.ts";
import { asProblem, Problem, toPublic } from "../problem.ts";

/** The pauses between attempts: short for a server that may come back, long for one that counts wrong passwords. */
const pauses = {
  unreachable: { shortest: 100, longest: 2000 },
  rejected: { shortest: 1000, longest: 60_000 },
} as const;

/** Opens connections, and goes easy on a server that just failed to give one. */
export interface Opener {
  /**
   * Opens one for a call that came when there had been `failures` so far. After a failure there is one attempt
   * at a time, each after a longer pause than the last, and all who waited for it share its outcome.
   * Credentials that were rejected are not sent again before the pause is over.
   */
  open(signal: AbortSignal, failures: number): Promise<Connection>;
  /** How often opening failed. */
  readonly failures: number;
  /** The last failure, until an attempt succeeds. */
  readonly failure: Problem | undefined;
}

/** What is known of a server that failed. */
interface Trouble {
  readonly problem: Problem;
  readonly kind: keyof typeof pauses;
  readonly pauseMillis: number;
  readonly until: number;
}

export function createOpener(open: (signal: AbortSignal) => Promise<Connection>): Opener {
  let failures = 0;
  let failure: Problem | undefined;
  let trouble: Trouble | undefined;
  let trying: Promise<unknown> | undefined;

  const attempt = async (signal: AbortSignal): Promise<Connection> => {
    const before = trouble;
    try {
      const connection = await open(signal);
      trouble = failure = undefined;
      return connection;
    } catch (error) {
      if (signal.aborted) throw error;
      failures++;
      failure = asProblem(error);
      // Attempts that ran side by side are one failure.
      if (trouble === before) trouble = next(before, failure);
      throw failure;
    }
  };

  const attemptLater = async ({ until }: Trouble, signal: AbortSignal): Promise<Connection> => {
    await pause(until - Date.now(), signal);
    return attempt(signal);
  };

  return {
    get failures() {
      return failures;
    },
    get failure() {
      return failure;
    },
    async open(signal, seen) {
      while (trouble !== undefined) {
        if (failures !== seen) throw trouble.problem;
        if (trouble.kind === "rejected" && trouble.until > Date.now()) throw notAgain(trouble);
        if (trying === undefined) {
          const own = attemptLater(trouble, signal).finally(() => {
            trying = undefined;
          });
          trying = own.catch(() => undefined); // Told to the one whose attempt it is.
          return own;
        }
        await orLeft(trying, signal);
      }
      return attempt(signal);
    },
  };
}

/** A failure that has nothing to do with the server, such as a file that is not there, needs no pause. */
function next(before: Trouble | undefined, problem: Problem): Trouble | undefined {
  const kind = problem.code === "CREDENTIALS_REJECTED" ? "rejected" : "unreachable";
  if (kind !== "rejected" && !problem.retryable && problem.code !== "CONNECTION_FAILED") return undefined;
  const { shortest, longest } = pauses[kind];
  const pauseMillis = before?.kind === kind ? Math.min(before.pauseMillis * 2, longest) : shortest;
  return { problem, kind, pauseMillis, until: Date.now() + pauseMillis };
}

function notAgain({ problem, until }: Trouble): Problem {
  const seconds = Math.ceil((until - Date.now()) / 1000);
  return new Problem({
    ...toPublic(problem),
    message: `${problem.message} (not tried again for ${seconds} s, so that no account is locked)`,
  });
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  if (millis > 0) await sleep(millis, undefined, { signal }).catch(() => undefined); // Left early only by the signal.
  signal.throwIfAborted();
}

async function orLeft(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const leave = () => resolve();
  signal.addEventListener("abort", leave, { once: true });
  await Promise.race([work, promise]);
  signal.removeEventListener("abort", leave);
  signal.throwIfAborted();
}

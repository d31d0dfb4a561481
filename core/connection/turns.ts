import type { Problem } from "../problem.ts";

/** Lets up to `most` in at a time, strictly in the order they came. */
export interface Turns {
  /** Waits for a turn. @throws what `late` makes after `waitMillis`, or the signal's reason */
  take(signal: AbortSignal): Promise<void>;
  /** Ends a turn; the one who waited longest has it then. */
  give(): void;
}

export function createTurns(deps: { readonly most: number; readonly waitMillis: number; readonly late: () => Problem }): Turns {
  const waiting: (() => void)[] = [];
  let taken = 0;

  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const leave = (reason: unknown) => {
        waiting.splice(waiting.indexOf(enter), 1);
        settle();
        reject(reason);
      };
      const abort = () => leave(signal.reason);
      const timer = setTimeout(() => leave(deps.late()), deps.waitMillis);
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      };
      const enter = () => {
        settle();
        resolve();
      };
      signal.addEventListener("abort", abort, { once: true });
      waiting.push(enter);
    });

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (taken === deps.most) return wait(signal);
      taken++;
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) taken--;
      else next();
    },
  };
}

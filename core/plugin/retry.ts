import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../problem.ts";

const attempts = 4;
const firstWaitMillis = 250;

/** Tries again, after ever longer waits, while the failure is one that can pass. */
export async function retrying<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (attempt === attempts || !(error instanceof Problem) || error.code !== "CONNECTION_FAILED") throw error;
      await sleep(firstWaitMillis * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}

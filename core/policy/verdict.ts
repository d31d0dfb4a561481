import type { Narrowing, Verdict } from "../contract/policy.ts";
import { Problem } from "../problem.ts";

/**
 * Meets verdicts: the smallest limits, read-only if any says so, and the first denial wins.
 * @throws the denial as a Problem.
 */
export function meet(verdicts: readonly Verdict[]): Narrowing {
  let met: Narrowing = {};
  for (const verdict of verdicts) {
    if ("deny" in verdict) throw new Problem(verdict.deny);
    met = {
      ...smaller("maxRows", met, verdict),
      ...smaller("maxMillis", met, verdict),
      ...((met.readOnly || verdict.readOnly) && { readOnly: true }),
    };
  }
  return met;
}

function smaller(limit: "maxRows" | "maxMillis", a: Narrowing, b: Narrowing): Narrowing {
  const values = [a[limit], b[limit]].filter((value) => value !== undefined);
  return values.length === 0 ? {} : { [limit]: Math.min(...values) };
}

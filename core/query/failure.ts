import type { Driver } from "../contract/driver.ts";
import type { Missing } from "../contract/problem.ts";
import { asProblem, Problem, problem } from "../problem.ts";
import { nearKeyword, place } from "../sql/locate.ts";
import type { Span } from "../telemetry/span.ts";

/** The signal a statement runs under, and the limit that is part of it. */
export interface Clock {
  signal: AbortSignal;
  millis?: number;
}

export function startClock(clock: Clock, signal: AbortSignal, ...limits: (number | undefined)[]): void {
  const set = limits.filter((limit) => limit !== undefined);
  if (set.length === 0) return;
  clock.millis = Math.min(...set);
  clock.signal = AbortSignal.any([signal, AbortSignal.timeout(clock.millis)]);
}

/** Turns whatever was thrown into a Problem: a limit or a cancel by its signal, an engine's error by its driver. */
export async function explain(
  error: unknown,
  sql: string,
  driver: Driver,
  clock: Clock,
  suggest: (missing: Missing) => Promise<string | undefined>,
): Promise<Problem> {
  if (error instanceof Problem) return error;
  if (clock.signal.aborted) return stopped(clock);
  const diagnosis = driver.diagnose(error);
  if (diagnosis === undefined) return asProblem(error);
  const { missing, missingKind, position } = diagnosis;
  // A hint is a courtesy: when the catalog cannot be read the problem still stands.
  const near = missing === undefined ? undefined : await suggest({ missing, ...(missingKind && { missingKind }) }).catch(() => undefined);
  const hint = near ?? diagnosis.hint ?? (position === undefined ? undefined : nearKeyword(sql, position));
  const message = position === undefined ? diagnosis.message : `${diagnosis.message} (${place(sql, position)})`;
  return new Problem({ ...diagnosis, message, ...(hint !== undefined && { hint }) }, error);
}

function stopped({ signal, millis }: Clock): Problem {
  const reported = asProblem(signal.reason);
  if (reported.code !== "TIMEOUT" || millis === undefined)
    return reported.code === "INTERNAL" ? problem("CANCELLED", "The call was cancelled") : reported;
  return problem(
    "TIMEOUT",
    `The statement ran longer than its limit of ${millis} ms and was stopped`,
    "Narrow the query, or have its time limit raised: limits.timeout, or --timeout",
  );
}

export function isBroken({ code }: Problem, signal: AbortSignal): boolean {
  return signal.aborted || code === "CONNECTION_FAILED" || code === "INTERNAL";
}

export function failed(span: Span, error: Problem): Problem {
  span.end({ error });
  return error;
}

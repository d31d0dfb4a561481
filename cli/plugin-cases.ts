import { problem } from "../core/problem.ts";
import type { PlannedCase, SuitePlan } from "../tests/contract/driver/suite.ts";

/** What became of one case. */
export interface CaseReport {
  readonly group: string;
  readonly name: string;
  readonly state: "ok" | "not ok" | "skip";
  readonly millis: number;
  readonly error?: unknown;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly caseMillis: number;
  /** Told before each case. */
  started(name: string): Promise<void>;
}

/** The cases whose group and name hold all words. @throws INPUT_INVALID when none does */
export function chosen(cases: readonly PlannedCase[], only: string | undefined): readonly PlannedCase[] {
  const words = (only ?? "").toLowerCase().split(/\s+/);
  const found = cases.filter(({ group, name }) => words.every((word) => `${group} ${name}`.toLowerCase().includes(word)));
  if (found.length > 0) return found;
  const groups = [...new Set(cases.map(({ group }) => `"${group}"`))].join(", ");
  throw problem("INPUT_INVALID", `No case of the driver suite matches "${only}"`, `Use words of a case, or of a group: ${groups}`);
}

/** Fills the database, then runs one case after the other; when it cannot be filled, none is run. */
export async function* runCases(plan: SuitePlan, cases: readonly PlannedCase[], options: RunOptions): AsyncGenerator<CaseReport> {
  const filled = await runCase({ group: "prepares", name: "fills the database", skipped: false, run: plan.fill }, options);
  yield filled;
  if (filled.state === "not ok") return;
  for (const entry of cases) yield await runCase(entry, options);
}

async function runCase({ group, name, skipped, run }: PlannedCase, { signal, caseMillis, started }: RunOptions): Promise<CaseReport> {
  signal.throwIfAborted();
  if (skipped) return { group, name, state: "skip", millis: 0 };
  await started(name);
  using strays = listenForStrays();
  const begun = performance.now();
  const report = (state: CaseReport["state"]) => ({ group, name, state, millis: Math.round(performance.now() - begun) });
  try {
    await within(run(), caseMillis, signal);
    await strays.check();
    return report("ok");
  } catch (error) {
    signal.throwIfAborted();
    return { ...report("not ok"), error };
  }
}

/** An error nobody waits for would end a server: the case it happens in has failed. */
function listenForStrays() {
  const found: unknown[] = [];
  const hear = (error: unknown) => void found.push(error);
  const events = ["unhandledRejection", "uncaughtException"] as const;
  for (const event of events) process.on(event, hear);
  return {
    async check(): Promise<void> {
      await new Promise((turn) => setTimeout(turn));
      if (found.length > 0) throw found[0];
    },
    [Symbol.dispose]() {
      for (const event of events) process.off(event, hear);
    },
  };
}

/** Waits no longer than that; what still runs then is left behind. */
function within(work: Promise<void>, millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const cancel = () => failed(signal.reason);
    const timer = setTimeout(() => failed(problem("TIMEOUT", `It did not end within ${millis / 1000} s`)), millis);
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    work.then(done, failed).finally(settled);
  });
}

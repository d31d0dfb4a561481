import type { Diagnosis, ProblemCode } from "./contract/problem.ts";

/** What each code means at every surface. `exit` is the command line's exit code; `retryable` says whether trying again can help. */
export const problemTable: Readonly<Record<ProblemCode, { readonly http: number; readonly exit: number; readonly retryable: boolean }>> = {
  INPUT_INVALID: { http: 400, exit: 2, retryable: false },
  CONFIG_INVALID: { http: 500, exit: 2, retryable: false },
  NOT_FOUND: { http: 404, exit: 3, retryable: false },
  CONFLICT: { http: 409, exit: 3, retryable: false },
  UNSUPPORTED: { http: 501, exit: 3, retryable: false },
  UNAUTHENTICATED: { http: 401, exit: 4, retryable: false },
  FORBIDDEN: { http: 403, exit: 4, retryable: false },
  POLICY_DENIED: { http: 403, exit: 4, retryable: false },
  RATE_LIMITED: { http: 429, exit: 5, retryable: true },
  SQL_INVALID: { http: 400, exit: 3, retryable: false },
  CONSTRAINT_VIOLATED: { http: 409, exit: 3, retryable: false },
  CONNECTION_FAILED: { http: 502, exit: 6, retryable: true },
  CREDENTIALS_REJECTED: { http: 502, exit: 6, retryable: false },
  TIMEOUT: { http: 504, exit: 6, retryable: true },
  CANCELLED: { http: 499, exit: 130, retryable: true },
  LIMIT_EXCEEDED: { http: 413, exit: 3, retryable: false },
  RESULT_EXPIRED: { http: 410, exit: 3, retryable: false },
  PLUGIN_INVALID: { http: 500, exit: 2, retryable: false },
  SECRET_UNAVAILABLE: { http: 500, exit: 6, retryable: true },
  INTERNAL: { http: 500, exit: 1, retryable: false },
};

/** The one error that leaves a room on purpose: a code, a message, and what to do next. `cause` is for logs and never serialised. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly hint?: string;
  readonly retryable: boolean;
  readonly position?: number;
  /** What in a policy refused; never serialised. */
  readonly rule?: string;

  constructor(diagnosis: Diagnosis, cause?: unknown) {
    super(clipped(diagnosis.message), cause === undefined ? undefined : { cause });
    this.code = diagnosis.code;
    this.retryable = diagnosis.retryable ?? problemTable[diagnosis.code].retryable;
    if (diagnosis.hint !== undefined) this.hint = clipped(diagnosis.hint);
    if (diagnosis.position !== undefined) this.position = diagnosis.position;
    if (diagnosis.rule !== undefined) this.rule = diagnosis.rule;
  }
}

const longestText = 4000;

/** Messages quote what a caller or an engine wrote, which may be megabytes; a problem stays something to read. */
function clipped(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** What a caller may see of a problem, at any surface. */
export interface PublicProblem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
  readonly retryable: boolean;
  readonly position?: number;
}

/** Makes a `Problem` in one call. */
export function problem(code: ProblemCode, message: string, hint?: string, cause?: unknown): Problem {
  return new Problem(hint === undefined ? { code, message } : { code, message, hint }, cause);
}

/** Passes a `Problem` through, and an error that carries its diagnosis; turns an abort into CANCELLED or TIMEOUT, and anything else into INTERNAL with an id for the log. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const told = (error as { readonly diagnosis?: Diagnosis } | null | undefined)?.diagnosis;
  if (told !== undefined) return new Problem(told, error);
  if (error instanceof DOMException && error.name === "AbortError") return problem("CANCELLED", "The call was cancelled", undefined, error);
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return problem("TIMEOUT", "The call took longer than its time limit", "Raise the time limit, or narrow the query", error);
  }
  const id = crypto.randomUUID().slice(0, 8);
  return problem(
    "INTERNAL",
    `Something failed inside tidegate (error ${id})`,
    `Run again with --log-level debug and look for ${id}`,
    error,
  );
}

/** The serialisable part, without cause or stack. */
export function toPublic({ code, message, hint, retryable, position }: Problem): PublicProblem {
  return { code, message, ...(hint !== undefined && { hint }), retryable, ...(position !== undefined && { position }) };
}

/** The candidates most like `word`, best first, at most `most`; empty when none is near. */
export function nearest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const wanted = word.toLowerCase();
  const scored: { readonly name: string; readonly distance: number }[] = [];
  for (const name of new Set(candidates)) {
    const other = name.toLowerCase();
    const contains = wanted.length > 2 && (other.includes(wanted) || wanted.includes(other)) && other.length > 2;
    const distance = contains ? 1 : editDistance(wanted, other);
    if (distance <= Math.max(1, Math.floor(wanted.length / 3))) scored.push({ name, distance });
  }
  return scored
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, most)
    .map((entry) => entry.name);
}

/** `Did you mean "a" or "b"?`, or `undefined` when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(word, candidates).map((name) => `"${name}"`);
  return near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      (rows[i] as number[])[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped);
    }
  }
  return at(a.length, b.length);
}

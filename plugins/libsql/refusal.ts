import type { Diagnosis } from "../../core/contract/problem.ts";

/** An error this driver makes itself; `diagnose` hands its diagnosis on. */
export interface Refusal extends Error {
  readonly diagnosis: Diagnosis;
  /** True when the server may have done what it was asked, though no answer came. */
  readonly unanswered?: true;
}

export function refusal(diagnosis: Diagnosis, cause?: unknown): Refusal {
  return Object.assign(new Error(diagnosis.message, { cause }), { diagnosis });
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && "diagnosis" in error;
}

export function connectionClosed(): Refusal {
  return refusal({ code: "CONNECTION_FAILED", message: "The connection is closed", hint: "Open it again" });
}

import type { Diagnosis } from "../../core/contract/problem.ts";

/** An error this driver makes itself; `diagnose` hands its diagnosis on. */
export interface Refusal extends Error {
  readonly diagnosis: Diagnosis;
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

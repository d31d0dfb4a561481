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

export function connectionLost(cause?: unknown): Refusal {
  return refusal(
    { code: "CONNECTION_FAILED", message: "The connection to the server is closed", hint: "Run it again", retryable: true },
    cause,
  );
}

/** Between the request and its answer nobody but the server knows. */
export function outcomeUnknown(during: "committing" | "the statement ran", cause: unknown): Refusal {
  const message = `The connection was lost while ${during}: the server may have kept ${during === "committing" ? "the" : "its"} changes or not`;
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Look at the data before running it again", retryable: false }, cause);
}

import type { Diagnosis } from "../../core/contract/problem.ts";

/** An error that carries its own diagnosis: what this driver throws when it, and not the engine, says no. */
export function refusal(diagnosis: Diagnosis, cause?: unknown): Error {
  return Object.assign(new Error(diagnosis.message, cause === undefined ? undefined : { cause }), { diagnosis });
}

/** The diagnosis an error carries, if any. */
export function carried(error: unknown): Diagnosis | undefined {
  return error instanceof Error && "diagnosis" in error ? (error.diagnosis as Diagnosis) : undefined;
}

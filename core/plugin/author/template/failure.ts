import type { Diagnosis } from "../../../contract/problem.ts";

/** Only errors made here are ours: `diagnose` must not claim those of others. */
const diagnoses = new WeakMap<Error, Diagnosis>();

/** An error and what it means: a message with a capital and no full stop, a hint that can be carried out, never a password or a row. */
export function failure(diagnosis: Diagnosis): Error {
  const error = new Error(diagnosis.message);
  diagnoses.set(error, diagnosis);
  return error;
}

/** Your engine has errors of its own: read their codes here, and return `undefined` for what it never throws. */
export function diagnose(error: unknown): Diagnosis | undefined {
  return error instanceof Error ? diagnoses.get(error) : undefined;
}

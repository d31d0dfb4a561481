import type { Diagnosis } from "../../../core/contract/problem.ts";

/** What could not be understood. The statement is refused in these words, unless the server has better ones. */
export class Unresolved extends Error {
  readonly hint: string;

  constructor(message: string, hint = "Write the statement in a simpler way") {
    super(message);
    this.hint = hint;
  }
}

export const notUnderstood = (what: string, hint = "Write the statement in a simpler way"): Diagnosis => ({
  code: "POLICY_DENIED",
  message: `Cannot tell what ${what} reaches, so the statement is not run`,
  hint,
});

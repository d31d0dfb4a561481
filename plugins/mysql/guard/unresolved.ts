import type { Diagnosis } from "../../../core/contract/problem.ts";

/** What could not be understood. The statement is refused in these words, unless the server has better ones. */
export class Unresolved extends Error {
  readonly hint: string;

  constructor(message: string, hint = "Write the statement in a simpler way") {
    super(message);
    this.hint = hint;
  }
}

/** A name that nothing in sight has. */
export class Missing extends Unresolved {
  readonly kind: NonNullable<Diagnosis["missingKind"]>;
  readonly named: string;

  constructor(kind: Missing["kind"], named: string, written = named) {
    super(`"${written}"`);
    this.kind = kind;
    this.named = named;
  }
}

export const notUnderstood = (what: string, hint = "Write the statement in a simpler way"): Diagnosis => ({
  code: "POLICY_DENIED",
  message: `Cannot tell what ${what} reaches, so the statement is not run`,
  hint,
});

/** The words for a name that is not there, whatever else is wrong with the statement. */
export const absent = (kind: Missing["kind"], name: string): Diagnosis => ({
  code: "SQL_INVALID",
  message: `${kind === "column" ? "Column" : "Table"} "${name}" does not exist`,
  missing: name,
  missingKind: kind,
});

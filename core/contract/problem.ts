/** Every way a call can fail. `core/problem.ts` maps each to an HTTP status and an exit code. */
export type ProblemCode =
  | "INPUT_INVALID"
  | "CONFIG_INVALID"
  | "NOT_FOUND"
  | "CONFLICT"
  | "UNSUPPORTED"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "POLICY_DENIED"
  | "RATE_LIMITED"
  | "SQL_INVALID"
  | "CONSTRAINT_VIOLATED"
  | "CONNECTION_FAILED"
  | "CREDENTIALS_REJECTED"
  | "TIMEOUT"
  | "CANCELLED"
  | "LIMIT_EXCEEDED"
  | "RESULT_EXPIRED"
  | "PLUGIN_INVALID"
  | "SECRET_UNAVAILABLE"
  | "INTERNAL";

/** What a driver, rule or exporter makes of an error. Only core turns it into a `Problem`. */
export interface Diagnosis {
  readonly code: ProblemCode;
  /** Capital first letter, no period, user values quoted, detail after a colon. */
  readonly message: string;
  /** One imperative sentence that can be carried out. */
  readonly hint?: string;
  readonly retryable?: boolean;
  /** What in a policy refused: for the audit and for those who keep the policy, never for the caller. */
  readonly rule?: string;
  /** Character offset into the SQL text where the engine stopped reading, from 0. */
  readonly position?: number;
  /** The table or column the engine could not find; core looks for near names. */
  readonly missing?: string;
  /** What `missing` is, where the engine says so: a column's near names are no table's. */
  readonly missingKind?: "object" | "column";
}

/** What an engine could not find, and what it took it for where it said so. */
export type Missing = Pick<Diagnosis, "missingKind"> & { readonly missing: string };

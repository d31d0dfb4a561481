import type { RelationRestriction } from "./analysis.ts";
import type { Statement } from "./driver.ts";
import type { Diagnosis } from "./problem.ts";

/** Who is asking. The command line and stdio are `local`. */
export interface Principal {
  readonly id: string;
  readonly roles: readonly string[];
  readonly via: "local" | "api-key" | "oauth";
  /** What row filters may refer to as `:principal.<name>`. */
  readonly values?: Readonly<Record<string, string | number>>;
}

/** What every rule may ask about a call, before anything runs. */
export interface QueryRequest {
  readonly principal: Principal;
  readonly connection: string;
  readonly statement: Statement;
  /** What the caller asked for: `write` only when the gate was opened for this very call. */
  readonly access: "read" | "write";
}

/** A rule may refuse or narrow, never widen; verdicts meet, so their order cannot matter. */
export type Verdict = { readonly deny: Diagnosis } | Narrowing;

export interface Narrowing {
  readonly readOnly?: boolean;
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly maxMillis?: number;
  /** The most the engine may estimate a statement to cost, in its own unit. */
  readonly maxCost?: number;
  /** Rows a write may change at most. */
  readonly maxAffectedRows?: number;
  /** At most one for each relation. */
  readonly restrictions?: readonly RelationRestriction[];
  /** The rules that decided, most specific first, as they are written in a policy: `role analyst, rule 3 (policy.yaml:14)`. */
  readonly rules?: readonly string[];
}

export interface PolicyRule {
  readonly name: string;
  judge(request: QueryRequest): Verdict | Promise<Verdict>;
}

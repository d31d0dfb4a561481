import type { Statement } from "./driver.ts";
import type { Diagnosis } from "./problem.ts";

/** Who is asking. The command line and stdio are `local`. */
export interface Principal {
  readonly id: string;
  readonly roles: readonly string[];
  readonly via: "local" | "api-key" | "oauth";
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
  readonly maxMillis?: number;
}

export interface PolicyRule {
  readonly name: string;
  judge(request: QueryRequest): Verdict | Promise<Verdict>;
}

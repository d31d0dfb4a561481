import type { Narrowing, PolicyRule, QueryRequest, Verdict } from "../contract/policy.ts";
import { meet } from "./verdict.ts";

export interface Policy {
  /** Asks the rules in turn and meets their verdicts. @throws the first denial; the rules after it are not asked. */
  judge(request: QueryRequest): Promise<Narrowing>;
}

export function createPolicy(rules: readonly PolicyRule[]): Policy {
  return {
    async judge(request) {
      const verdicts: Verdict[] = [];
      for (const rule of rules) {
        const verdict = await rule.judge(request);
        verdicts.push(verdict);
        if ("deny" in verdict) break;
      }
      return meet(verdicts);
    },
  };
}

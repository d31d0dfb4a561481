import type { Narrowing, PolicyRule, QueryRequest } from "../contract/policy.ts";
import { meet } from "./verdict.ts";

export interface Policy {
  /** Asks every rule and meets their verdicts. @throws the first denial. */
  judge(request: QueryRequest): Promise<Narrowing>;
}

export function createPolicy(rules: readonly PolicyRule[]): Policy {
  return {
    async judge(request) {
      return meet(await Promise.all(rules.map((rule) => rule.judge(request))));
    },
  };
}

import type { PolicyRule } from "../contract/policy.ts";

/** Narrows every call to the limits of the configuration. */
export function limitsRule(limits: (connection: string) => { readonly maxRows?: number; readonly maxMillis?: number }): PolicyRule {
  return { name: "limits", judge: ({ connection }) => limits(connection) };
}

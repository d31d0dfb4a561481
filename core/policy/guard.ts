import type { FunctionUse } from "../contract/analysis.ts";
import type { PolicyRule, QueryRequest, Verdict } from "../contract/policy.ts";

/**
 * Refuses what no policy can allow or nobody has reviewed: text the analyzer did not understand, functions beyond the
 * engine's list, and relations that hold credentials. `allowed` are functions and sets somebody vouched for; `vouched` says
 * whether whoever opened the gate for a write answers for all that it calls.
 */
export function guardRule(
  allowed: (request: QueryRequest) => readonly string[],
  vouched: (request: QueryRequest) => boolean = () => true,
): PolicyRule {
  return { name: "guard", judge: (request) => judge(request, allowed, vouched) };
}

function judge(
  request: QueryRequest,
  allowed: (request: QueryRequest) => readonly string[],
  vouched: (request: QueryRequest) => boolean,
): Verdict {
  const { analysis } = request.statement;
  if (analysis === undefined) return {};
  if (analysis.unresolved !== undefined) return { deny: { rule: "guard", ...analysis.unresolved } };
  const secret = analysis.relations.find(({ tells }) => tells === "secrets");
  if (secret !== undefined)
    return {
      deny: {
        code: "POLICY_DENIED",
        message: `"${secret.name}" holds credentials, and they are never read through tidegate`,
        hint: "Leave it out of the statement",
        rule: "guard",
      },
    };
  // What a function does outside of the tables no rollback takes back, and no role speaks of.
  if (request.access === "write" && vouched(request)) return {};
  const names = allowed(request);
  const unknown = analysis.functions.find((used) => !used.trusted && !names.some((name) => isNamed(used, name)));
  return unknown === undefined ? {} : { deny: untrusted(unknown) };
}

/** Whether a function is meant by a name in a policy: `lower`, `public.area`, or the set it belongs to. Case does not count. */
export function isNamed({ schema, name, set }: FunctionUse, known: string): boolean {
  const wanted = known.toLowerCase();
  return (
    wanted === name.toLowerCase() || (schema !== undefined && wanted === `${schema}.${name}`.toLowerCase()) || wanted === set?.toLowerCase()
  );
}

function untrusted({ name, schema, kind, set }: FunctionUse) {
  const full = schema === undefined || schema === "pg_catalog" ? name : `${schema}.${name}`;
  return {
    code: "POLICY_DENIED",
    message: `The ${kind} "${full}" is not on the list of those known to change nothing and reach nothing`,
    hint: `Do without it, or have it allowed: policy.allowFunctions: ${set ?? full}`,
    rule: "guard, allowlist of functions",
  } as const;
}

import type { AuditFacts } from "../audit/call.ts";
import type { Statement } from "../contract/driver.ts";
import type { Narrowing } from "../contract/policy.ts";

/** What the audit keeps of a statement. */
export function factsOf({ kind, analysis }: Statement): AuditFacts {
  if (analysis === undefined) return { kind };
  const objects = analysis.relations.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
  return { kind, fingerprint: analysis.fingerprint, ...(objects.length > 0 && { objects: [...new Set(objects)] }) };
}

/** What the audit keeps of what a policy made of it. */
export function narrowed({ rules, restrictions = [] }: Narrowing): AuditFacts {
  const masks = restrictions.flatMap(({ schema, name, hidden, masks: given }) => {
    const table = schema === undefined ? name : `${schema}.${name}`;
    return [
      ...hidden.map((column) => `${table}.${column}: hidden`),
      ...given.map(({ column, form }) => `${table}.${column}: ${typeof form === "string" ? form : "sql"}`),
    ];
  });
  const filters = restrictions.filter(({ where }) => where.length > 0).length;
  return { ...(rules && { rules }), ...(masks.length > 0 && { masks }), ...(filters > 0 && { filters }) };
}

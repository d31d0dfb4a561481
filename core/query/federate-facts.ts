import type { AuditFacts } from "../audit/call.ts";

/** What the audit keeps of the parts of one call, put together; each of a connection is told by its name. */
export function togetherOf(parts: readonly AuditFacts[]): AuditFacts {
  const all = <Item>(pick: (facts: AuditFacts) => readonly Item[] | undefined) => [...new Set(parts.flatMap((facts) => pick(facts) ?? []))];
  const named = (pick: (facts: AuditFacts) => readonly string[] | undefined) =>
    all((facts) => pick(facts)?.map((text) => `${facts.connection}: ${text}`));
  const [objects, rules, masks] = [named(({ objects }) => objects), all(({ rules }) => rules), named(({ masks }) => masks)];
  const filters = parts.reduce((sum, facts) => sum + (facts.filters ?? 0), 0);
  return {
    connection: all(({ connection }) => (connection === undefined ? [] : [connection])).join(", "),
    access: "read",
    kind: "read",
    ...(objects.length > 0 && { objects }),
    ...(rules.length > 0 && { rules }),
    ...(masks.length > 0 && { masks }),
    ...(filters > 0 && { filters }),
  };
}

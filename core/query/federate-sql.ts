import type { FederatedPart, PushedCondition } from "../contract/driver.ts";
import { quoteIdentifier } from "../sql/quote.ts";

/** The statement a connection is asked for its part; `from` is the table as its engine reads it. */
export function partSql({ columns, where }: FederatedPart, from: string, identifierQuote: string): string {
  const quoted = (name: string) => quoteIdentifier(name, identifierQuote);
  const conditions = where.map((condition) => conditionSql(condition, quoted));
  return `select ${columns.map(quoted).join(", ")} from ${from}${conditions.length > 0 ? ` where ${conditions.join(" and ")}` : ""}`;
}

/** Literals rather than parameters: an engine's fastest way out takes none, and of these every engine reads the same. */
function conditionSql({ column, op, type, values }: PushedCondition, quoted: (name: string) => string): string {
  const bare = type === "integer" || type === "decimal";
  const literals = values.map((value) => (bare ? String(value) : `'${String(value).replaceAll("'", "''")}'`));
  if (op === "in") return `${quoted(column)} in (${literals.join(", ")})`;
  return [quoted(column), op, ...literals].join(" ");
}

import type { RelationRestriction } from "../../contract/analysis.ts";
import type { ObjectName } from "../../contract/catalog.ts";
import type { Value } from "../../contract/rows.ts";
import { Problem } from "../../problem.ts";
import type { TableGrants } from "./grants.ts";

const reference = /:principal\.(\w+)/g;

/** What of a relation may be seen; `undefined` when all of it may. @throws POLICY_DENIED when a filter asks for a value the principal lacks */
export function restriction(
  table: TableGrants,
  { schema, name }: ObjectName,
  columns: readonly string[],
  values: Readonly<Record<string, string | number>>,
): RelationRestriction | undefined {
  const grants = columns.map((column) => ({ column, ...table.column(column, "select") }));
  const hidden = grants.filter(({ visible }) => !visible).map(({ column }) => column);
  const masks = grants.flatMap(({ column, visible, mask }) => (visible && mask !== undefined ? [{ column, form: mask }] : []));
  const where = [...new Set(table.filters.map((rule) => rule.where ?? ""))];
  if (hidden.length === 0 && masks.length === 0 && where.length === 0) return undefined;
  const used: Record<string, Value> = {};
  for (const rule of table.filters) {
    for (const [, key = ""] of (rule.where ?? "").matchAll(reference)) {
      const value = values[key];
      if (value === undefined) throw lacking(key, rule.id);
      used[key] = value;
    }
  }
  return {
    ...(schema !== undefined && { schema }),
    name,
    hidden,
    masks,
    where: where.map((text) => text.replace(reference, ":$1")),
    values: used,
  };
}

const lacking = (key: string, rule: string): Problem =>
  new Problem({
    code: "POLICY_DENIED",
    message: `Your principal has no value "${key}", and ${rule} needs one to tell which rows are yours`,
    hint: `Have principals.<you>.values.${key} set in the policy`,
    rule,
  });

import type { MaskForm, RelationRestriction } from "../contract/analysis.ts";
import type { Narrowing } from "../contract/policy.ts";

export const maskName = (form: MaskForm): string => (typeof form === "string" ? form : "an expression");

/**
 * What a caller may be told of how their statement is narrowed, in one line; `undefined` when nothing is masked or filtered.
 * Hidden columns are not there for them, so nothing is said of those.
 */
export function describeNarrowing({ restrictions = [] }: Narrowing): string | undefined {
  const masks = restrictions.flatMap(({ name, masks: own }) =>
    own.map(({ column, form }) => `${name}.${column} is masked (${maskName(form)})`),
  );
  const filters = restrictions
    .filter(({ where }) => where.length > 0)
    .map(({ name }: RelationRestriction) => `rows of ${name} are filtered`);
  const told = [...masks, ...filters];
  return told.length === 0 ? undefined : told.join("; ");
}

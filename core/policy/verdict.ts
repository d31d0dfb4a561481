import type { RelationRestriction } from "../contract/analysis.ts";
import type { Narrowing, Verdict } from "../contract/policy.ts";
import { Problem } from "../problem.ts";
import { strictest } from "./roles/masks.ts";

const limits = ["maxRows", "maxBytes", "maxMillis", "maxCost", "maxAffectedRows"] as const;

/**
 * Meets verdicts: the smallest limits, every restriction, read-only if any says so, and the first denial wins.
 * @throws the denial as a Problem.
 */
export function meet(verdicts: readonly Verdict[]): Narrowing {
  let met: Narrowing = {};
  for (const verdict of verdicts) {
    if ("deny" in verdict) throw new Problem(verdict.deny);
    met = both(met, verdict);
  }
  return met;
}

function both(a: Narrowing, b: Narrowing): Narrowing {
  const restrictions = meetRestrictions([...(a.restrictions ?? []), ...(b.restrictions ?? [])]);
  const rules = [...new Set([...(a.rules ?? []), ...(b.rules ?? [])])].sort();
  return {
    ...Object.assign({}, ...limits.map((limit) => smaller(limit, a, b))),
    ...((a.readOnly || b.readOnly) && { readOnly: true }),
    ...(restrictions.length > 0 && { restrictions }),
    ...(rules.length > 0 && { rules }),
  };
}

function smaller(limit: (typeof limits)[number], a: Narrowing, b: Narrowing): Narrowing {
  const values = [a[limit], b[limit]].filter((value) => value !== undefined);
  return values.length === 0 ? {} : { [limit]: Math.min(...values) };
}

function meetRestrictions(all: readonly RelationRestriction[]): RelationRestriction[] {
  const byRelation = Map.groupBy(all, ({ schema, name }) => `${schema ?? ""}\0${name}`);
  return [...byRelation.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, same]) => same.reduce(meetTwo, same[0] as RelationRestriction));
}

function meetTwo(a: RelationRestriction, b: RelationRestriction): RelationRestriction {
  const hidden = [...new Set([...a.hidden, ...b.hidden])].sort();
  const masks = Map.groupBy([...a.masks, ...b.masks], ({ column }) => column);
  return {
    ...a,
    hidden,
    masks: [...masks.entries()]
      .filter(([column]) => !hidden.includes(column))
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .flatMap(([column, same]) => {
        const form = strictest(same.map((mask) => mask.form));
        return form === undefined ? [] : [{ column, form }];
      }),
    where: [...new Set([...a.where, ...b.where])].sort(),
    values: { ...a.values, ...b.values },
  };
}

import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { refusal } from "../refusal.ts";
import { lineage, type Names } from "./analyze.ts";
import { above } from "./relations.ts";
import type { Relation } from "./snapshot.ts";
import type { Node } from "./tree.ts";
import type { Use } from "./uses.ts";

type Restricted = ReadonlyMap<Relation, RelationRestriction>;

/**
 * How a materialized view is restricted by what it was made from: columns made of masked or hidden ones are masked. Its rows are what they
 * are, so it is refused where they follow from such columns, or from rows that are not all there for the caller.
 */
export function copied(relation: Relation, body: Node, reached: Restricted, names: Names): RelationRestriction | undefined {
  const known = lineage(body, names);
  const isKept = ({ relation: of, column }: Use): boolean =>
    [of, ...above(of)].some((each) => {
      const { hidden = [], masks = [] } = reached.get(each) ?? {};
      return hidden.includes(column) || masks.some((mask) => mask.column === column);
    });
  const isWhole = [...reached].every(([{ kind }, { where }]) => kind === "table" && where.length === 0);
  if (known === undefined || !isWhole || known.always.some(isKept)) throw refusal(madeOf(relation));
  const masked = relation.columns.filter((_, at) => known.columns[at]?.some(isKept) ?? true);
  if (masked.length === 0) return undefined;
  const masks = masked.map((column) => ({ column, form: "redact" as const }));
  return { schema: relation.schema, name: relation.name, hidden: [], masks, where: [], values: {} };
}

const madeOf = ({ name }: Relation) =>
  ({
    code: "POLICY_DENIED",
    message: `The rows of the materialized view "${name}" were made from what is restricted for you`,
    hint: "Ask the tables it was made from",
  }) as const;

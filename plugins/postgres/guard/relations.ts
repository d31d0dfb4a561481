import type { RelationUse } from "../../../core/contract/analysis.ts";
import { isNaming } from "./catalogs.ts";
import { readLazily } from "./query.ts";
import { type Output, type Reading, type Result, Unresolved } from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import type { Use } from "./uses.ts";

const mostViews = 20;

/** Says that a relation is read, and with it those whose rows it holds, or that hold its rows. */
export function tellRelation(relation: Relation, inherits: boolean, reading: Reading, access: RelationUse["access"] = "read"): void {
  const tell = ({ schema, name, kind, tells }: Relation, through: Reading["through"]): void =>
    reading.relation({ schema, name, kind, access, ...(tells !== undefined && { tells }), ...(through.length > 0 && { through }) });
  tell(relation, reading.through);
  const via = [...reading.through, { schema: relation.schema, name: relation.name }];
  for (const other of [...above(relation), ...(inherits ? below(relation) : [])]) tell(other, via);
}

/** Everything it inherits from: its rows are theirs too. */
export function above(relation: Relation, seen: ReadonlySet<Relation> = new Set()): Relation[] {
  return relation.parents.filter((parent) => !seen.has(parent)).flatMap((parent) => [parent, ...above(parent, new Set([...seen, parent]))]);
}

/** Everything that inherits from it, whose rows are read with its own. The parts of a partitioned table are no tables of their own here. */
export function below(relation: Relation): Relation[] {
  return relation.children.filter(({ partition }) => !partition).flatMap((child) => [child, ...below(child)]);
}

/** It, everything it inherits from, and everything that inherits from it or is a part of it. */
export function family(relation: Relation): Relation[] {
  const lower = (each: Relation): Relation[] => [each, ...each.children.flatMap(lower)];
  return [...above(relation), ...lower(relation)];
}

export function relationOutputs(relation: Relation, inherits: boolean, reading: Reading): readonly Output[] {
  if (relation.kind === "catalog") return catalogOutputs(relation, reading);
  return relation.kind === "table" ? tableOutputs(relation, inherits, reading) : viewOutputs(relation, reading);
}

/** Some columns of the catalog tell more than names. */
function catalogOutputs(relation: Relation, reading: Reading): Output[] {
  const { schema, name: of, tells } = relation;
  return relation.columns.map((name, at) => ({
    name,
    type: relation.types[at] ?? 0,
    reach() {
      if (tells === "names" && !isNaming(schema, of, name)) tellCatalog(reading, relation, "structure");
    },
  }));
}

function tellCatalog({ relation, through }: Reading, { schema, name }: Relation, tells: RelationUse["tells"]): void {
  relation({ schema, name, kind: "catalog", access: "read", ...(tells && { tells }), ...(through.length > 0 && { through }) });
}

function tableOutputs(relation: Relation, inherits: boolean, reading: Reading): Output[] {
  const direct = reading.through.length === 0;
  const held = inherits ? below(relation) : [];
  return relation.columns.map((column, at) => ({
    name: column,
    type: relation.types[at] ?? 0,
    reach(place, star, told) {
      const use = { place, star: star && direct };
      for (const each of [relation, ...held]) {
        told({ ...use, column, relation: each });
        // No name reaches what a generated column is made of.
        for (const part of each.generated.get(column) ?? []) told({ ...use, column: part, star: direct, relation: each });
      }
    },
  }));
}

/** What a view's column is made of is reached when the column is; what the view filters, joins and groups by, always. */
function viewOutputs(relation: Relation, reading: Reading): readonly Output[] {
  const { outputs, open } = readBody(relation, reading);
  const everything = open ? outputs.flatMap(({ uses }) => uses) : undefined;
  return relation.columns.map((name, at) => ({
    name,
    type: relation.types[at] ?? 0,
    reach(place, _star, told) {
      for (const use of everything ?? outputs[at]?.uses ?? []) told({ ...use, place, star: false } satisfies Use);
    },
  }));
}

function readBody(relation: Relation, reading: Reading): Result {
  const body = reading.bodies.get(relation);
  if (body === undefined) throw new Unresolved(`the view "${relation.name}"`);
  if (reading.through.length > mostViews) throw new Unresolved(`views nested more than ${mostViews} deep`);
  const { schema, name } = relation;
  reading.roots.add(body);
  return readLazily(body, undefined, { ...reading, through: [...reading.through, { schema, name }], sites: [], qualified: [] });
}

import type { ColumnPlace, ColumnUse, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { Relation } from "./snapshot.ts";

/** One way in which a base column has influence. */
export interface Use {
  readonly relation: Relation;
  readonly column: string;
  readonly place: ColumnPlace;
  /** A star or a whole row brought it in, no name. */
  readonly star: boolean;
}

/** Takes up what a statement reaches, while it is read. */
export interface Uses {
  add(use: Use): void;
  relation(use: RelationUse): void;
  fn(use: FunctionUse): void;
  readonly columns: readonly ColumnUse[];
  readonly relations: readonly RelationUse[];
  readonly functions: readonly FunctionUse[];
  /** The types of the columns. */
  readonly types: ReadonlySet<number>;
}

export function createUses(): Uses {
  const columns = new Map<Relation, Map<string, { readonly places: Set<ColumnPlace>; star: boolean }>>();
  const relations = new Map<string, RelationUse>();
  const functions = new Map<string, FunctionUse>();
  const add = ({ relation, column, place, star }: Use): void => {
    const known = columns.get(relation) ?? new Map();
    columns.set(relation, known);
    const found = known.get(column) ?? { places: new Set<ColumnPlace>(), star: true };
    found.places.add(place);
    found.star &&= star;
    known.set(column, found);
    // A row of a child is a row of its parent too, where it may be masked.
    for (const parent of relation.parents) if (parent.columns.includes(column)) add({ relation: parent, column, place, star });
  };
  return {
    add,
    relation({ schema = "", name, access, through = [], ...use }) {
      const key = [schema, name, access, use.tells ?? "", ...through.map((view) => `${view.schema}.${view.name}`)].join("\0");
      if (!relations.has(key)) relations.set(key, { schema, name, access, ...(through.length > 0 && { through }), ...use });
    },
    fn: (use) => void functions.set(`${use.schema ?? ""}\0${use.name}\0${use.kind}\0${use.trusted}`, use),
    get columns() {
      return [...columns].flatMap(([{ schema, name }, known]) =>
        [...known].map(
          ([column, { places, star }]): ColumnUse => ({ schema, table: name, column, places: [...places], ...(star && { byStar: true }) }),
        ),
      );
    },
    get relations() {
      return [...relations.values()];
    },
    get functions() {
      return [...functions.values()];
    },
    get types() {
      return new Set(
        [...columns].flatMap(([{ columns: all, types }, known]) => [...known.keys()].map((name) => types[all.indexOf(name)] ?? 0)),
      );
    },
  };
}

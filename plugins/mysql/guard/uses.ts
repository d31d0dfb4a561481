import type { ColumnPlace, ColumnUse, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { Relation } from "./relation.ts";

/** One way in which a base column has influence. */
export interface Use {
  readonly relation: Pick<Relation, "schema" | "name">;
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
  join(): void;
  readonly columns: readonly ColumnUse[];
  readonly relations: readonly RelationUse[];
  readonly functions: readonly FunctionUse[];
  readonly joins: number;
}

export function createUses(): Uses {
  const columns = new Map<string, { use: Use; places: Set<ColumnPlace>; star: boolean }>();
  const relations = new Map<string, RelationUse>();
  const functions = new Map<string, FunctionUse>();
  let joins = 0;
  return {
    add(use) {
      const key = `${use.relation.schema}\0${use.relation.name}\0${use.column}`;
      const found = columns.get(key) ?? { use, places: new Set<ColumnPlace>(), star: true };
      found.places.add(use.place);
      found.star &&= use.star;
      columns.set(key, found);
    },
    relation: (use) => void relations.set(JSON.stringify(use), use),
    fn: (use) => void functions.set(`${use.schema ?? ""}\0${use.name}\0${use.kind}`, use),
    join: () => void joins++,
    get columns() {
      return [...columns.values()].map(
        ({ use, places, star }): ColumnUse => ({
          schema: use.relation.schema,
          table: use.relation.name,
          column: use.column,
          places: [...places],
          ...(star && { byStar: true }),
        }),
      );
    },
    get relations() {
      return [...relations.values()];
    },
    get functions() {
      return [...functions.values()];
    },
    get joins() {
      return joins;
    },
  };
}

import type { ColumnPlace, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { ObjectName } from "../../../core/contract/catalog.ts";
import type { Relation, Snapshot } from "./snapshot.ts";
import type { Node } from "./tree.ts";
import type { Use } from "./uses.ts";

/** What could not be understood. The statement is refused in these words, unless the engine has better ones. */
export class Unresolved extends Error {}

/** A name that is not there, where the engine would say something else of it than of a column that is not open to the caller. */
export class Missing extends Unresolved {
  readonly missing: string;
  constructor(message: string, missing: string) {
    super(message);
    this.missing = missing;
  }
}

/** Takes up what is reached. */
export type Told = (use: Use) => void;

/** A column of something in FROM. Reaching it reaches what it is made of. */
export interface Output {
  readonly name: string;
  /** The number of its type, or 0 when that is not known. */
  readonly type: number;
  reach(place: ColumnPlace, star: boolean, told: Told): void;
}

/** Something in FROM that has a name. */
export interface Source {
  readonly alias: string;
  /** Set when it can be named with its schema: a table without an alias. */
  readonly schema?: string;
  readonly outputs: readonly Output[];
  /** True when its columns have names that only running it would tell. */
  readonly open?: boolean;
  /** Columns that a name reaches and a star does not: `ctid`, `xmin`. */
  readonly system?: boolean;
  /** True when its columns are not reached without its name. */
  readonly qualified?: boolean;
  /** Where the table is named. */
  readonly site?: Site;
}

/** A table or view that a statement names, and the wrapped node that names it. */
export interface Site {
  readonly node: Node;
  readonly relation: Relation;
}

/** A column of a query's result, and what it is made of. */
export interface QueryOutput {
  readonly name: string;
  readonly type: number;
  readonly uses: readonly Use[];
}

/** What a query gives. */
export interface Result {
  readonly outputs: readonly QueryOutput[];
  /** True when it has columns more than those, which only running it would tell. */
  readonly open?: boolean;
}

/** A query in WITH. It is read when it is first named, or at the latest when WITH has been read. */
export interface Cte {
  result(): Result;
}

/** The names an expression may use, from the inside out. */
export interface Scope {
  readonly sources: readonly Source[];
  /** What a star stands for, in its order. */
  readonly star: readonly Output[];
  readonly ctes: ReadonlyMap<string, Cte>;
  readonly outer: Scope | undefined;
}

/** What goes along while a tree is read. */
export interface Reading {
  readonly snapshot: Snapshot;
  /** The trees of views, by relation. */
  readonly bodies: ReadonlyMap<Relation, Node>;
  readonly through: readonly ObjectName[];
  reach(use: Use): void;
  relation(use: RelationUse): void;
  fn(use: FunctionUse): void;
  readonly sites: Site[];
  /** References that name a schema, which a substituted relation no longer has. */
  readonly qualified: { readonly node: Node; readonly site: Site }[];
  /** What was read of the kinds that matter most: each of them in these trees must be among it. */
  readonly read: Set<Node>;
  readonly roots: Set<Node>;
  /** The types that casts name. */
  readonly named: Set<number>;
  /** The relations whose rows are named as a type. */
  readonly rows: Set<Relation>;
  readonly seen: Seen;
}

/** What is counted while a tree is read. */
interface Seen {
  depth: number;
  deepest: number;
  joins: number;
  recursive: boolean;
}

export const emptyScope = (outer?: Scope): Scope => ({ sources: [], star: [], ctes: new Map(), outer });

export function* outwards(scope: Scope | undefined): Generator<Scope> {
  for (let at = scope; at !== undefined; at = at.outer) yield at;
}

export function cteNamed(name: string, scope: Scope): Cte | undefined {
  for (const { ctes } of outwards(scope)) {
    const found = ctes.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The columns of a query that was read, under the names of a column list. */
export function outputsOf({ outputs }: Result, aliases: readonly string[]): Output[] {
  return outputs.map(({ name, type, uses }, at) => ({
    name: aliases[at] ?? name,
    type,
    reach: (place, star, told) => {
      // The name of a whole row, or of a list of columns, is not that of what it brings.
      for (const use of uses) told({ ...use, place, star: use.star && (star || use.column !== name) });
    },
  }));
}

/** A column that is made of others, all of which are reached with it. */
export const merged = (name: string, parts: readonly Output[]): Output => ({
  name,
  type: parts[0]?.type ?? 0,
  reach: (place, star, told) => {
    for (const part of parts) part.reach(place, star, told);
  },
});

export const systemColumns: ReadonlySet<string> = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

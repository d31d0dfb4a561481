import type { ColumnPlace, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { ObjectName } from "../../../core/contract/catalog.ts";
import type { Node } from "./json.ts";
import type { Relation, Snapshot } from "./snapshot.ts";
import type { Use } from "./uses.ts";

/** What could not be understood. The statement is refused in these words, unless the engine has better ones. */
export class Unresolved extends Error {}

/** A column of something in FROM. Reaching it reaches what it is made of. */
export interface Output {
  readonly name: string;
  /** True when it stands for columns whose names only running it would tell. */
  readonly open?: boolean;
  reach(place: ColumnPlace, star: boolean, told: Told): void;
}

/** Takes up what is reached. */
export type Told = (use: Use) => void;

/** Something in FROM. */
export interface Source {
  readonly alias: string;
  readonly schema?: string;
  readonly outputs: readonly Output[];
  /** True when its columns have names that only running it would tell. */
  readonly open?: boolean;
}

/** The names an expression may use, from the inside out. */
export interface Scope {
  readonly sources: Source[];
  /** Names of the select list, which every clause may use. */
  readonly aliases: Set<string>;
  readonly ctes: Map<string, readonly Output[]>;
  readonly outer: Scope | undefined;
}

/** A table or view that a statement names, and the node that names it. */
export interface Site {
  readonly node: Node;
  readonly relation: Relation;
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
  join(): void;
  readonly sites: Site[];
  /** References that name a schema, which a substituted relation no longer has. */
  readonly qualified: Node[];
  readonly seen: Seen;
  /** Reads a whole query; reading queries, FROM and expressions goes round in a circle, which is closed here. */
  query(node: Node, outer: Scope | undefined, reading: Reading): readonly QueryOutput[];
  /** The same, and leaves it to the caller which output columns are reached. */
  lazily(node: Node, outer: Scope | undefined, reading: Reading): readonly QueryOutput[];
}

/** A column of a query's result, and what it is made of. */
export interface QueryOutput {
  readonly name: string;
  readonly open?: boolean;
  readonly uses: readonly Use[];
}

/** What is counted while a tree is read. */
interface Seen {
  depth: number;
  deepest: number;
  recursive: boolean;
}

export const innerScope = (outer: Scope | undefined): Scope => ({ sources: [], aliases: new Set(), ctes: new Map(), outer });

export function* outwards(scope: Scope | undefined): Generator<Scope> {
  for (let at = scope; at !== undefined; at = at.outer) yield at;
}

/** Columns that are reached already: their query was read to its end. */
export function named(outputs: readonly QueryOutput[], aliases: readonly string[]): readonly Output[] {
  return outputs.map(({ name, open }, at) => ({ name: aliases[at] ?? name, reach: () => undefined, ...(open && { open }) }));
}

export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Reaches the column a reference names. @throws Unresolved when nothing in sight has that name */
export function reachNamed(names: readonly string[], scope: Scope, place: ColumnPlace, told: Told): { readonly qualified: boolean } {
  for (const at of outwards(scope)) {
    const found =
      inSources(names, at.sources, place, told) ??
      (names.length > 0 && at.aliases.has((names[0] ?? "").toLowerCase()) ? { qualified: false } : undefined);
    if (found !== undefined) return found;
  }
  throw new Unresolved(`"${names.join(".")}"`);
}

function inSources(
  names: readonly string[],
  sources: readonly Source[],
  place: ColumnPlace,
  told: Told,
): { readonly qualified: boolean } | undefined {
  const [first = "", second, third] = names;
  const columns = reachIn(sources, first, place, told);
  if (columns) return { qualified: false };
  const owner = sources.filter(({ alias }) => same(alias, first));
  if (second === undefined) {
    if (owner.length === 0) return undefined;
    reachAll(owner, place, told);
    return { qualified: false };
  }
  if (reachIn(owner, second, place, told)) return { qualified: false };
  const placed = third === undefined ? [] : sources.filter(({ alias, schema }) => same(alias, second) && schema !== undefined);
  if (third !== undefined && reachIn(placed, third, place, told)) return { qualified: true };
  const deeper = names.length > 3 ? sources.filter(({ alias, schema }) => same(alias, third ?? "") && schema !== undefined) : [];
  return reachIn(deeper, names[3] ?? "", place, told) ? { qualified: true } : undefined;
}

function reachIn(sources: readonly Source[], name: string, place: ColumnPlace, told: Told): boolean {
  const found = sources.flatMap(({ outputs }) => outputs.filter((output) => same(output.name, name)));
  for (const output of found) output.reach(place, false, told);
  return found.length > 0 || sources.some(isOpen);
}

/** Whether something may have columns that are not among its outputs. */
export const isOpen = ({ open, outputs }: Source): boolean => open === true || outputs.some((output) => output.open);

/** A star, a whole row, or a position reaches every column there is. */
export function reachAll(sources: readonly Source[], place: ColumnPlace, told: Told): void {
  for (const { outputs } of sources) for (const output of outputs) output.reach(place, true, told);
}

import type { ColumnPlace, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { ObjectName } from "../../../core/contract/catalog.ts";
import type { Token } from "./lexer.ts";
import type { Relation, Snapshot } from "./relation.ts";
import type { TableRef } from "./tree.ts";
import { Missing, Unresolved } from "./unresolved.ts";
import type { Use } from "./uses.ts";

/** A column of something in FROM. Reaching it reaches what it is made of. */
export interface Output {
  readonly name: string;
  reach(place: ColumnPlace, star: boolean, told: Told): void;
  /** True where no star reaches it. */
  readonly aside?: boolean;
}

/** Takes up what is reached. */
export type Told = (use: Use) => void;

/** Something in FROM. */
export interface Source {
  readonly alias: string;
  readonly schema?: string;
  readonly outputs: readonly Output[];
  /** True when it may have columns that are not known. */
  readonly open?: boolean;
  /** Makes a column of a table this user sees through a view only. */
  hidden?(name: string): Output;
  readonly site?: Site;
}

/** The names an expression may use, from the inside out. */
export interface Scope {
  readonly sources: Source[];
  /** Names of the select list, in lower case. */
  readonly aliases: Set<string>;
  /** By name in lower case. */
  readonly ctes: Map<string, CteSource>;
  readonly outer: Scope | undefined;
}

/** `outputs` are absent while it is being read: then nobody can tell which table its name means. */
export interface CteSource {
  readonly name: string;
  readonly outputs?: readonly Output[];
}

/** A table or view where a statement names it. */
export interface Site {
  readonly ref: TableRef;
  readonly relation: Relation;
  /** Where `table` stands before it, when that is the whole query. */
  readonly tableWord?: number;
  /** True for what the statement changes. */
  readonly changed?: boolean;
}

/** The name of a table without its database, which is no common table expression's. */
export interface Bare {
  readonly ref: TableRef;
  readonly database: string;
}

/** A reference that names a database, which a subselect does not have. */
export interface Qualified {
  readonly parts: readonly Token[];
  readonly site: Site;
}

/** What goes along while a tree is read. */
export interface Reading {
  readonly snapshot: Snapshot;
  /** The database that unqualified names mean here. */
  readonly database: string | undefined;
  readonly through: readonly ObjectName[];
  reach: Told;
  relation(use: RelationUse): void;
  fn(use: FunctionUse): void;
  join(): void;
  readonly sites: Site[];
  readonly qualified: Qualified[];
  readonly bare: Bare[];
  readonly seen: { depth: number; deepest: number; recursive: boolean; tables: number };
  /** Called with the scope of every select, the outermost first. */
  opened?(scope: Scope): void;
}

export const innerScope = (outer: Scope | undefined): Scope => ({ sources: [], aliases: new Set(), ctes: new Map(), outer });

/** What a query beside the sources of a scope sees: common table expressions and what is further out. */
export const besideScope = ({ ctes, outer }: Scope): Scope => ({ sources: [], aliases: new Set(), ctes, outer });

export function* outwards(scope: Scope | undefined): Generator<Scope> {
  for (let at = scope; at !== undefined; at = at.outer) yield at;
}

/** Columns that are reached already: their query was read to its end. */
export function named(outputs: readonly { readonly name: string }[], aliases: readonly string[]): readonly Output[] {
  const names = aliases.length > 0 ? aliases : outputs.map(({ name }) => name);
  return names.map((name) => ({ name, reach: () => undefined }));
}

export const same = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase();

export const sameTable = ({ caseSensitive }: Snapshot, a: string, b: string): boolean => a === b || (!caseSensitive && same(a, b));

/** Reaches the column a reference names. @throws Unresolved when nothing in sight has that name */
export function reachNamed(parts: readonly Token[], scope: Scope, place: ColumnPlace, reading: Reading): void {
  const [column = "", owner, schema] = parts.map(({ text }) => text).reverse();
  let isOpen = false;
  for (const at of outwards(scope)) {
    const sources = ownersIn(at.sources, owner, schema, reading.snapshot);
    const found = sources.map((source) => ({ source, outputs: columnsIn(source, column) })).filter(({ outputs }) => outputs.length > 0);
    for (const { source, outputs } of found) {
      for (const output of outputs) output.reach(place, false, reading.reach);
      if (schema !== undefined && source.site !== undefined) reading.qualified.push({ parts, site: source.site });
    }
    if (found.length > 0 && !isOpen) return;
    if (owner === undefined && at.aliases.has(column.toLowerCase())) return;
    isOpen ||= sources.some(({ open }) => open);
  }
  if (!isOpen) throw new Missing("column", column, parts.map(({ text }) => text).join("."));
}

const byName = new WeakMap<readonly Output[], Map<string, Output[]>>();

function columnsIn({ outputs, hidden }: Source, column: string): readonly Output[] {
  const index = byName.get(outputs) ?? Map.groupBy(outputs, ({ name }) => name.toLowerCase());
  byName.set(outputs, index);
  const known = index.get(column.toLowerCase()) ?? [];
  return known.length === 0 && hidden !== undefined ? [hidden(column)] : known;
}

function ownersIn(
  sources: readonly Source[],
  owner: string | undefined,
  schema: string | undefined,
  snapshot: Snapshot,
): readonly Source[] {
  if (owner === undefined) return sources;
  return sources.filter(
    (source) =>
      sameTable(snapshot, source.alias, owner) &&
      (schema === undefined || (source.schema !== undefined && sameTable(snapshot, source.schema, schema))),
  );
}

/** Sources a star means: all of this level, or those of one name. @throws Unresolved when there are none */
export function starred(parts: readonly Token[], scope: Scope, reading: Reading): readonly Source[] {
  const [owner, schema] = parts.map(({ text }) => text).reverse();
  if (owner === undefined) return scope.sources;
  for (const at of outwards(scope)) {
    const found = ownersIn(at.sources, owner, schema, reading.snapshot);
    for (const { site } of found) if (schema !== undefined && site !== undefined) reading.qualified.push({ parts, site });
    if (found.length > 0) return found;
  }
  throw new Unresolved(`"${parts.map(({ text }) => text).join(".")}.*"`);
}

/** The common table expression a name means, if it means one. @throws Unresolved where servers differ */
export function cteNamed(name: string, scope: Scope, { snapshot }: Reading): readonly Output[] | undefined {
  for (const { ctes } of outwards(scope)) {
    const found = ctes.get(name.toLowerCase());
    if (found === undefined) continue;
    if (snapshot.caseSensitive && found.name !== name)
      throw new Unresolved(`"${name}"`, `Write the name as the statement defines it: "${found.name}"`);
    if (found.outputs === undefined) throw new Unresolved(`"${name}", which is used before it is defined,`, "Define it before it is used");
    return found.outputs;
  }
  return undefined;
}

import type { RelationUse } from "../../../core/contract/analysis.ts";
import type { Cells } from "../wire/replies.ts";
import { tellsOf } from "./catalogs.ts";

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationUse["kind"];
  /** Of the engine's own relations, and of those an extension brings. */
  readonly tells?: RelationUse["tells"];
  readonly columns: readonly string[];
  /** The numbers of the columns' types. */
  readonly types: readonly number[];
  /** What it inherits from or is a part of. */
  readonly parents: readonly Relation[];
  /** What inherits from it; the parts of a partitioned table are the table itself. */
  readonly children: readonly Relation[];
  readonly partition: boolean;
  /** Generated columns, and the columns that each is made of. */
  readonly generated: ReadonlyMap<string, readonly string[]>;
  /** The columns of its primary key. */
  readonly key: readonly string[];
}

export interface Type {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `b` base, `c` composite, `d` domain, `e` enum, `p` pseudo, `r` range, `m` multirange. */
  readonly sort: string;
  readonly category: string;
  /** The type a domain is made of. */
  readonly base: number;
  /** The relation a composite type describes. */
  readonly relation: number;
  readonly element: number;
  readonly extension?: string;
  /** What runs when a value of it is made or compared, and is no part of the engine. */
  readonly runs: readonly string[];
  readonly compares: readonly string[];
}

/** What a function gives. */
export interface Shape {
  readonly outputs: readonly { readonly name: string; readonly type: number }[];
  readonly returns: number;
}

/** A function that is not the engine's own. */
export interface Fn extends Shape {
  readonly schema: string;
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly volatility: string;
  readonly language: string;
  readonly extension?: string;
  /** True when it came with a type: the constructor of a range. */
  readonly ofType: boolean;
}

export interface Operator {
  readonly schema: string;
  readonly name: string;
  readonly extension?: string;
  /** The types of its operands; 0 where it has none. */
  readonly left: number;
  readonly right: number;
}

export interface Cast {
  readonly source: number;
  readonly target: number;
  readonly implicit: boolean;
  readonly schema: string;
  readonly name: string;
  readonly extension?: string;
}

/** The names an engine knows, at one moment, as one search path finds them. */
export interface Snapshot {
  readonly version: number;
  readonly path: readonly string[];
  readonly database: string;
  /** By schema and name, or by name along the path. */
  relation(parts: readonly string[]): Relation | undefined;
  relationBy(oid: number): Relation | undefined;
  /** The relation whose rows are of this type. */
  rowsOf(type: number): Relation | undefined;
  type(parts: readonly string[]): Type | undefined;
  typeBy(oid: number): Type | undefined;
  /** Functions that are not the engine's own, and that a call by this name could mean. */
  functions(parts: readonly string[]): readonly Fn[];
  /** What the engine's own functions of this name give, where that is more than one value. */
  shapes(name: string): readonly Shape[];
  operators(parts: readonly string[]): readonly Operator[];
  builtInOperator(name: string, left: number, right: number): number | undefined;
  readonly casts: readonly Cast[];
  /** True when a value of one type becomes one of the other without being asked to. */
  becomes(from: number, to: number): boolean;
}

/** All of it but the path, which sessions differ in. */
export type Known = Omit<Snapshot, "path" | "relation" | "type" | "functions" | "operators"> & {
  readonly along: (path: readonly string[]) => Snapshot;
};

const kinds: Readonly<Record<string, RelationUse["kind"]>> = { v: "view", m: "materialized view" };

type RelationRow = readonly [
  ...[oid: number, schema: string, name: string, sort: string, partition: boolean, extension: string | null],
  ...[
    columns: readonly string[] | null,
    types: readonly number[] | null,
    row: number,
    generated: [string, string][] | null,
    key: string[] | null,
  ],
];
type TypeRow = readonly [
  ...[oid: number, schema: string, name: string, sort: string, category: string],
  ...[
    base: number,
    relation: number,
    element: number,
    extension: string | null,
    own: boolean,
    checks: string[] | null,
    compares: string[] | null,
  ],
];
type ShapeRow = readonly [names: readonly string[], modes: readonly string[] | null, types: readonly number[] | null, returns: number];
type FunctionRow = readonly [
  ...[schema: string, name: string, count: number, defaults: number, variadic: boolean, volatility: string, kind: string],
  ...[language: string, extension: string | null, ofType: boolean],
  ...ShapeRow,
];
type CastRow = readonly [source: number, target: number, context: string, schema: string, name: string, extension: string | null];

/** Reads the row that `snapshotSql` gives. */
export function readSnapshot(cells: Cells, version: number): Known {
  const rows = <Row>(at: number): readonly Row[] => JSON.parse(cells[at] || "null") ?? [];
  const relationRows = rows<RelationRow>(0);
  const relations = readRelations(relationRows, rows(1));
  const types = new Map(rows<TypeRow>(2).map((row) => [row[0], toType(row)]));
  const byName = index([...relations.values()]);
  const byRow = new Map(relationRows.map((row) => [row[8], relations.get(row[0])]));
  const typesByName = index([...types.values()]);
  const functions = grouped(rows<FunctionRow>(3).map(toFunction));
  const shapes = new Map<string, Shape[]>();
  for (const [name, ...shape] of rows<readonly [string, ...ShapeRow]>(4)) shapes.set(name, [...(shapes.get(name) ?? []), toShape(shape)]);
  const operators = grouped(
    rows<readonly [string, string, string | null, number, number]>(5).map(([schema, name, extension, left, right]) => ({
      ...{ schema, name, left, right },
      ...owned(extension),
    })),
  );
  const builtIn = new Map(
    rows<readonly [string, number, number, number]>(6).map(([name, left, right, result]) => [`${name} ${left} ${right}`, result]),
  );
  const implicit = new Set(rows<readonly [number, number]>(8).map(([from, to]) => `${from} ${to}`));
  const common = {
    version,
    database: cells[9] ?? "",
    relationBy: (oid: number) => relations.get(oid),
    becomes: (from: number, to: number) => implicit.has(`${from} ${to}`),
    rowsOf: (type: number) => byRow.get(type),
    typeBy: (oid: number) => types.get(oid),
    shapes: (name: string) => shapes.get(name) ?? [],
    builtInOperator: (name: string, left: number, right: number) => builtIn.get(`${name} ${left} ${right}`),
    casts: rows<CastRow>(7).map(([source, target, context, schema, name, extension]) => ({
      ...{ source, target, implicit: context === "i", schema, name },
      ...owned(extension),
    })),
  };
  return {
    ...common,
    along: (path) => ({
      ...common,
      path,
      relation: (parts) => found(byName, parts, path),
      type: (parts) => found(typesByName, parts, path),
      functions: (parts) => meant(functions, parts, path),
      operators: (parts) => meant(operators, parts, path),
    }),
  };
}

function readRelations(rows: readonly RelationRow[], inherits: readonly (readonly [number, number])[]): Map<number, Relation> {
  const known = new Map<number, Relation & { readonly parents: Relation[]; readonly children: Relation[] }>();
  for (const [oid, schema, name, sort, partition, extension, columns, types, , generated, key] of rows) {
    const tells = tellsOf(schema, name, extension);
    known.set(oid, {
      ...{ oid, schema, name, columns: columns ?? [], types: types ?? [], parents: [], children: [] },
      // The chunks of TimescaleDB are the table itself too.
      partition: partition || schema === "_timescaledb_internal",
      generated: madeOf(generated ?? []),
      key: key ?? [],
      kind: tells === undefined ? (kinds[sort] ?? "table") : "catalog",
      ...(tells !== undefined && { tells }),
    });
  }
  for (const [child, parent] of inherits) {
    const [below, above] = [known.get(child), known.get(parent)];
    if (below === undefined || above === undefined) continue;
    below.parents.push(above);
    above.children.push(below);
  }
  return known;
}

function madeOf(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const made = new Map<string, string[]>();
  for (const [column, part] of pairs) made.set(column, [...(made.get(column) ?? []), part]);
  return made;
}

function toType([oid, schema, name, sort, category, base, relation, element, extension, own, checks, compares]: TypeRow): Type {
  // A base type that somebody made reads and writes its values by functions of theirs.
  const reads = own && oid >= 16_384 && extension === null ? [`${name} in`] : [];
  return {
    ...{ oid, schema, name, sort, category, base, relation, element },
    ...owned(extension),
    runs: [...(checks ?? []), ...reads],
    compares: compares ?? [],
  };
}

function toFunction([schema, name, count, defaults, variadic, volatility, , language, extension, ofType, ...shape]: FunctionRow): Fn {
  const most = variadic ? Number.POSITIVE_INFINITY : count;
  return {
    ...{ schema, name, least: count - defaults - (variadic ? 1 : 0), most, volatility, language, ofType },
    ...owned(extension),
    ...toShape(shape),
  };
}

function toShape([names, modes, types, returns]: ShapeRow): Shape {
  const outputs = (modes ?? []).flatMap((mode, at) =>
    mode === "o" || mode === "b" || mode === "t" ? [{ name: names[at] || `column${at + 1}`, type: types?.[at] ?? 0 }] : [],
  );
  return { outputs, returns };
}

const owned = (extension: string | null) => (extension === null ? {} : { extension });

interface Named {
  readonly schema: string;
  readonly name: string;
}

function index<Item extends Named>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [`${item.schema}\0${item.name}`, item]));
}

/** In the first schema of the path that has the name. */
function found<Item>(items: ReadonlyMap<string, Item>, parts: readonly string[], path: readonly string[]): Item | undefined {
  const [name = "", schema] = [...parts].reverse();
  if (schema !== undefined) return items.get(`${temporary(schema, path)}\0${name}`);
  for (const place of path) {
    const item = items.get(`${place}\0${name}`);
    if (item !== undefined) return item;
  }
  return undefined;
}

/** `pg_temp` is another name for the session's own. */
const temporary = (schema: string, path: readonly string[]): string =>
  schema === "pg_temp" ? (path.find((place) => place.startsWith("pg_temp_")) ?? schema) : schema;

function grouped<Item extends Named>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item.name);
    if (group === undefined) groups.set(item.name, [item]);
    else group.push(item);
  }
  return groups;
}

/** Functions and operators are told apart by what they are given, so all that have the name may be meant. */
function meant<Item extends Named>(
  items: ReadonlyMap<string, readonly Item[]>,
  parts: readonly string[],
  path: readonly string[],
): readonly Item[] {
  const [name = "", schema] = [...parts].reverse();
  const all = items.get(name) ?? [];
  if (schema !== undefined) return all.filter((item) => item.schema === temporary(schema, path));
  return all.filter((item) => path.includes(item.schema));
}

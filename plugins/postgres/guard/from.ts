import { readExpression } from "./expressions.ts";
import { readFunctions, readJsonTable, readXmlTable } from "./from-functions.ts";
import { readSubquery } from "./query.ts";
import { relationOutputs, tellRelation } from "./relations.ts";
import {
  cteNamed,
  Missing,
  merged,
  type Output,
  outputsOf,
  type Reading,
  type Scope,
  type Site,
  type Source,
  Unresolved,
} from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import { as, isNode, type Json, type Node, names, opened, text } from "./tree.ts";
import { readFunction } from "./trust.ts";

/** What an item of FROM offers. */
export interface Range {
  readonly sources: readonly Source[];
  readonly star: readonly Output[];
}

/** Where an item stands: what is around the query, and what is to its left. */
export interface Place {
  readonly around: Scope;
  readonly left: readonly Source[];
}

type Reader = (node: Node, place: Place, reading: Reading, item: Node) => Range;

const readers: Readonly<Record<string, Reader>> = {
  RangeVar: readTable,
  RangeSubselect: readSubselect,
  JoinExpr: readJoin,
  RangeFunction: readFunctions,
  RangeTableSample: readSample,
  RangeTableFunc: readXmlTable,
  JsonTable: readJsonTable,
};

/** Reads FROM: each item sees what is to its left where it is lateral. */
export function readFrom(items: readonly Json[], around: Scope, reading: Reading): Range {
  const sources: Source[] = [];
  const star: Output[] = [];
  reading.seen.joins += Math.max(0, items.length - 1);
  for (const item of items) {
    const range = readItem(item, { around, left: [...sources] }, reading);
    sources.push(...range.sources);
    star.push(...range.star);
  }
  return { sources, star };
}

function readItem(item: Json | undefined, place: Place, reading: Reading): Range {
  const [kind, node] = opened(item) ?? ["unknown", {}];
  const read = readers[kind];
  if (read === undefined || !isNode(item)) throw new Unresolved(`"${kind}" in from`);
  return read(node, place, reading, item);
}

export const aliasOf = (node: Node): string => (isNode(node.alias) ? text(node.alias.aliasname) : "");
export const columnAliases = (node: Node): string[] => (isNode(node.alias) ? names(node.alias.colnames) : []);

/** A list of columns goes by their places, and names none of them. */
export function renamed(outputs: readonly Output[], aliases: readonly string[]): Output[] {
  return outputs.map((output, at) => {
    const name = aliases[at];
    return name === undefined ? output : { ...output, name, reach: (place, _star, told) => output.reach(place, true, told) };
  });
}

/** @throws Missing when the list is longer than what there is, as far as that is known */
function listed(alias: string, outputs: readonly Output[], aliases: readonly string[], open: boolean | undefined): Output[] {
  const extra = aliases[outputs.length];
  if (extra !== undefined && open !== true)
    throw new Missing(`Table "${alias}" has ${outputs.length} columns available but ${aliases.length} columns specified`, extra);
  return renamed(outputs, aliases);
}

/** One item of which all columns are seen. */
export const rangeOf = (source: Source): Range => ({ sources: [source], star: source.outputs });

function readTable(node: Node, { around }: Place, reading: Reading, item: Node): Range {
  reading.read.add(node);
  const name = text(node.relname);
  const schema = text(node.schemaname);
  const cte = schema === "" ? cteNamed(name, around) : undefined;
  const alias = aliasOf(node) || name;
  if (cte !== undefined) {
    const result = cte.result();
    return rangeOf({
      alias,
      outputs: listed(alias, outputsOf(result, []), columnAliases(node), result.open),
      ...(result.open && { open: true }),
    });
  }
  return readRelation(node, relationNamed(node, reading), { node: item, inherits: node.inh === true }, reading);
}

/** @throws Unresolved when there is none */
export function relationNamed(node: Node, { snapshot }: Reading): Relation {
  const parts = [text(node.schemaname), text(node.relname)].filter((part) => part !== "");
  const database = text(node.catalogname);
  const relation = database === "" || database === snapshot.database ? snapshot.relation(parts) : undefined;
  if (relation === undefined) throw new Unresolved(`"${parts.join(".")}"`);
  return relation;
}

function readRelation(
  node: Node,
  relation: Relation,
  { node: item, inherits }: { readonly node: Node; readonly inherits: boolean },
  reading: Reading,
): Range {
  const site: Site = { node: item, relation };
  reading.sites.push(site);
  tellRelation(relation, inherits, reading);
  const alias = aliasOf(node);
  return rangeOf({
    alias: alias || relation.name,
    outputs: listed(alias || relation.name, relationOutputs(relation, inherits, reading), columnAliases(node), false),
    ...(alias === "" && { schema: relation.schema }),
    ...(relation.kind !== "view" && { system: true }),
    site,
  });
}

function readSubselect(node: Node, { around, left }: Place, reading: Reading): Range {
  const result = readSubquery(node.subquery, node.lateral === true ? { ...around, sources: left } : around, reading);
  return rangeOf({
    alias: aliasOf(node),
    outputs: listed(aliasOf(node), outputsOf(result, []), columnAliases(node), result.open),
    ...(result.open && { open: true }),
  });
}

/** A sample is of the table itself. */
function readSample(node: Node, { around, left }: Place, reading: Reading, item: Node): Range {
  const table = as("RangeVar", node.relation);
  if (table === undefined) throw new Unresolved("a sample");
  reading.read.add(table);
  const method = names(node.method);
  if (!["system", "bernoulli"].includes(method.join("."))) readFunction(method, 1, reading);
  readExpression([node.args ?? null, node.repeatable ?? null], { ...around, sources: left }, reading, "other");
  return readRelation(table, relationNamed(table, reading), { node: item, inherits: table.inh === true }, reading);
}

function readJoin(node: Node, { around, left }: Place, reading: Reading): Range {
  reading.seen.joins++;
  const one = readItem(node.larg, { around, left }, reading);
  const two = readItem(node.rarg, { around, left: [...left, ...one.sources] }, reading);
  const sources = [...one.sources, ...two.sources];
  readExpression(node.quals, { ...around, sources }, reading, "join");
  const shared = node.isNatural === true ? commonNames(one.star, two.star) : names(node.usingClause);
  if (node.isNatural === true && sources.some(({ open }) => open)) throw new Unresolved("a natural join with columns that are not known");
  const joined = shared.map((name) =>
    merged(
      name,
      [...one.star, ...two.star].filter((output) => output.name === name),
    ),
  );
  for (const column of joined) column.reach("join", node.isNatural === true, reading.reach);
  const rest = [...one.star, ...two.star].filter(({ name }) => !shared.includes(name));
  const star = [...joined, ...rest];
  const isOpen = sources.some(({ open }) => open) ? { open: true } : {};
  const alias = aliasOf(node);
  if (alias !== "") return rangeOf({ alias, outputs: renamed(star, columnAliases(node)), ...isOpen });
  const using = isNode(node.join_using_alias) ? text(node.join_using_alias.aliasname) : "";
  return { sources: using === "" ? sources : [...sources, { alias: using, outputs: joined, qualified: true }], star };
}

function commonNames(left: readonly Output[], right: readonly Output[]): string[] {
  const known = new Set(right.map(({ name }) => name));
  return left.map(({ name }) => name).filter((name) => known.has(name));
}

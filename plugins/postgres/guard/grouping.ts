import type { Relation } from "./snapshot.ts";
import { as, collect, isNode, type Json, list, type Node, names, nodes, text } from "./tree.ts";

/** A table that a subselect stands for, and what it gives of it. */
export interface Stand {
  readonly relation: Relation;
  /** The columns by their order; not all of them need to be what they are in the table. */
  readonly given: readonly string[];
  readonly changed: ReadonlySet<string>;
}

/**
 * Where the key of a table is grouped by, its other columns may be used as they are; a subselect has no key, so they are grouped by too.
 * That makes the same groups.
 */
export function completeGroups(value: Json | undefined, stands: ReadonlyMap<Node, Stand>): void {
  if (Array.isArray(value)) for (const each of value) completeGroups(each, stands);
  if (!isNode(value)) return;
  for (const key in value) completeGroups(value[key], stands);
  if (value.groupClause === undefined || value.targetList === undefined) return;
  for (const source of list(value.fromClause).flatMap(subselects)) {
    const stand = stands.get(source);
    if (stand !== undefined) completeGroup(value, source, stand);
  }
}

/** The subselects that a query's names may mean; those of a join with a name of its own are not among them. */
function subselects(item: Json): Node[] {
  const join = as("JoinExpr", item);
  if (join !== undefined) return join.alias === undefined ? [join.larg ?? null, join.rarg ?? null].flatMap(subselects) : [];
  const found = as("RangeSubselect", item);
  return found === undefined ? [] : [found];
}

function completeGroup(select: Node, source: Node, { relation, given, changed }: Stand): void {
  const { aliasname, colnames } = isNode(source.alias) ? source.alias : {};
  const alias = text(aliasname);
  const aliases = names(colnames);
  const visible = given.map((column, at) => aliases[at] ?? column);
  const grouped = new Set(list(select.groupClause).map((item) => columnMeant(item, select, alias, visible)));
  const isKept = (column: string): boolean => !changed.has(column) && grouped.has(visible[given.indexOf(column)]);
  if (relation.key.length === 0 || !relation.key.every(isKept)) return;
  const used = usedIn(
    [select.targetList, select.havingClause, select.sortClause, select.distinctClause, select.windowClause],
    alias,
    visible,
  );
  // A column of a grouping set is null in rows that others make.
  const sets = collect(select.groupClause, new Set(["GroupingSet"]));
  const inSets = usedIn(sets, alias, visible);
  const isFree = (name: string): boolean => used.has(name) && !grouped.has(name) && !inSets.has(name);
  const more = visible.filter((name, at) => isFree(name) && canGroup(relation, given[at] ?? ""));
  const whole = used.has(wholeRow) && sets.length === 0 ? [[alias]] : [];
  select.groupClause = [...list(select.groupClause), ...[...more.map((name) => [alias, name]), ...whole].map(reference)];
}

const wholeRow = Symbol("whole row");

const reference = (fields: readonly string[]): Json => ({ ColumnRef: { fields: fields.map((sval) => ({ String: { sval } })) } });

/** Types that have no equality: json, xml and shapes. */
const unlike: ReadonlySet<number> = new Set([114, 142, 600, 601, 602, 603, 604, 628, 718]);

const canGroup = ({ columns, types }: Relation, column: string): boolean => !unlike.has(types[columns.indexOf(column)] ?? 0);

/** The column an item of GROUP BY is, by its name, by its place in the select list or by the name it has there. */
function columnMeant(item: Json, select: Node, alias: string, visible: readonly string[]): string | undefined {
  const targets = nodes(select.targetList).map((each) => as("ResTarget", each));
  const position = as("A_Const", item)?.ival;
  if (isNode(position)) return columnIn(targets[Number(position.ival ?? 0) - 1]?.val, alias, visible);
  const parts = names(as("ColumnRef", item)?.fields);
  const own = columnIn(item, alias, visible);
  if (own !== undefined || parts.length !== 1) return own;
  return columnIn(targets.find((target) => text(target?.name) === parts[0])?.val, alias, visible);
}

function columnIn(value: Json | undefined, alias: string, visible: readonly string[]): string | undefined {
  const [name = "", owner = alias, ...others] = names(as("ColumnRef", value)?.fields).reverse();
  return owner === alias && others.length === 0 && visible.includes(name) ? name : undefined;
}

/** Too many do no harm: they follow from the key. */
function usedIn(parts: readonly (Json | undefined)[], alias: string, visible: readonly string[]): Set<string | typeof wholeRow> {
  const used = new Set<string | typeof wholeRow>();
  for (const node of parts.flatMap((part) => collect(part, new Set(["ColumnRef"])))) {
    const fields = list(node.fields);
    const isStar = as("A_Star", fields.at(-1)) !== undefined;
    const [first, second] = names(fields);
    if (isStar && (fields.length === 1 || first === alias)) for (const name of visible) used.add(name);
    else if (fields.length === 1 && first !== undefined) used.add(first === alias && !visible.includes(first) ? wholeRow : first);
    else if (first === alias && second !== undefined) used.add(second);
  }
  return used;
}

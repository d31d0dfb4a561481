import { readExpression, readOrders } from "./expressions.ts";
import { readFrom } from "./from.ts";
import { holds, isNode, type Json, type Node, nodes, text, texts } from "./json.ts";
import { innerScope, isOpen, named, outwards, type QueryOutput, type Reading, reachAll, type Scope, same, Unresolved } from "./scope.ts";
import type { Use } from "./uses.ts";

const selectParts: ReadonlySet<string> = new Set([
  ...[
    "modifiers",
    "cte_map",
    "select_list",
    "from_table",
    "where_clause",
    "group_expressions",
    "group_sets",
    "having",
    "qualify",
    "sample",
  ],
]);

/** Reads a query to its end. Everything it reaches is told, its output columns too. */
export function readQuery(node: Node, outer: Scope | undefined, reading: Reading): readonly QueryOutput[] {
  const outputs = readLazily(node, outer, reading);
  for (const { uses } of outputs) for (const use of uses) reading.reach(use);
  return outputs;
}

/** Reads a query, and leaves it to the caller which of its output columns are reached. */
export function readLazily(node: Node, outer: Scope | undefined, reading: Reading): readonly QueryOutput[] {
  reading.seen.depth++;
  reading.seen.deepest = Math.max(reading.seen.deepest, reading.seen.depth);
  if (reading.seen.depth > 100) throw new Unresolved("queries nested more than 100 deep");
  const scope = innerScope(outer);
  readCtes(node.cte_map, scope, reading);
  const type = text(node.type);
  const read = { SELECT_NODE: readSelect, SET_OPERATION_NODE: readSetOperation, RECURSIVE_CTE_NODE: readRecursive, CTE_NODE: readCteNode }[
    type
  ];
  if (read === undefined) throw new Unresolved(`a query of kind ${type || "unknown"}`);
  const outputs = read(node, scope, reading);
  for (const { name } of outputs) scope.aliases.add(name.toLowerCase());
  readModifiers(node.modifiers, scope, reading);
  reading.seen.depth--;
  return outputs;
}

function readSelect(node: Node, scope: Scope, reading: Reading): readonly QueryOutput[] {
  const unknown = Object.entries(node).find(([key, value]) => holds(value) && !selectParts.has(key));
  if (unknown !== undefined) throw new Unresolved(`"${unknown[0]}" of a query`);
  if (isNode(node.from_table)) readFrom(node.from_table, scope, reading);
  for (const item of nodes(node.select_list)) if (text(item.alias) !== "") scope.aliases.add(text(item.alias).toLowerCase());
  const outputs = nodes(node.select_list).flatMap((item) => readItem(item, scope, reading));
  readExpression(node.where_clause, scope, reading, "filter");
  readExpression(node.group_expressions, scope, reading, "group");
  readExpression(node.having, scope, reading, "filter");
  readExpression(node.qualify, scope, reading, "filter");
  return outputs;
}

/** One item of the select list: a star is as many columns as it finds. */
function readItem(item: Node, scope: Scope, reading: Reading): QueryOutput[] {
  const uses: Use[] = [];
  const collecting: Reading = { ...reading, reach: (use) => void uses.push(use) };
  if (text(item.class) === "STAR" && item.columns !== true) return starOutputs(item, scope, collecting, uses);
  readExpression(item, scope, collecting, "output");
  if (text(item.class) === "STAR") return [{ name: "", uses }];
  return [{ name: text(item.alias) || texts(item.column_names).at(-1) || "", uses }];
}

function starOutputs(item: Node, scope: Scope, collecting: Reading, uses: Use[]): QueryOutput[] {
  const owner = text(item.relation_name);
  const excluded = new Set(texts(item.exclude_list).map((name) => name.toLowerCase()));
  const found =
    owner === "" ? scope.sources : [...outwards(scope)].flatMap(({ sources }) => sources.filter(({ alias }) => same(alias, owner)));
  const outputs = found.flatMap(({ outputs }) =>
    outputs
      .filter(({ name }) => !excluded.has(name.toLowerCase()))
      .map((output) => {
        const before = uses.length;
        output.reach("output", true, collecting.reach);
        return { name: output.name, uses: uses.slice(before) };
      }),
  );
  const before = uses.length;
  for (const entry of nodes(item.replace_list)) readExpression(entry.value, scope, collecting, "output");
  const replaced = before === uses.length ? [] : [{ name: "", uses: uses.slice(before) }];
  return [...outputs, ...replaced, ...(found.some(isOpen) ? [{ name: "", uses: [], open: true }] : [])];
}

function readSetOperation(node: Node, scope: Scope, reading: Reading): readonly QueryOutput[] {
  const sides = [...(isNode(node.left) ? [node.left] : []), ...(isNode(node.right) ? [node.right] : []), ...nodes(node.children)];
  if (sides.length < 2) throw new Unresolved("a set operation");
  const read = sides.map((side) => readLazily(side, scope, reading));
  return merged(read);
}

/** The columns of a set operation are made of those of every side, by position. */
function merged(sides: readonly (readonly QueryOutput[])[]): QueryOutput[] {
  // Behind columns nobody knows, no position is known.
  if (sides.some((side) => side.some(({ open }) => open)))
    return sides.flat().map((output) => ({ ...output, uses: sides.flat().flatMap(({ uses }) => uses) }));
  const [first = []] = sides;
  const width = Math.max(...sides.map((side) => side.length));
  return Array.from({ length: width }, (_, at) => ({ name: first[at]?.name ?? "", uses: sides.flatMap((side) => side[at]?.uses ?? []) }));
}

function readRecursive(node: Node, scope: Scope, reading: Reading): readonly QueryOutput[] {
  if (!isNode(node.left) || !isNode(node.right)) throw new Unresolved("a recursive query");
  reading.seen.recursive = true;
  const left = readLazily(node.left, scope, reading);
  const inner = innerScope(scope);
  inner.ctes.set(text(node.cte_name).toLowerCase(), named(left, texts(node.aliases)));
  readExpression(node.key_targets, scope, reading, "other");
  return merged([left, readLazily(node.right, inner, reading)]);
}

function readCteNode(node: Node, scope: Scope, reading: Reading): readonly QueryOutput[] {
  if (!isNode(node.query) || !isNode(node.child)) throw new Unresolved("a common table expression");
  const outputs = readQuery(node.query, scope, reading);
  scope.ctes.set(text(node.ctename).toLowerCase(), named(outputs, texts(node.aliases)));
  return readLazily(node.child, scope, reading);
}

/** Each is known to those after it, and to itself only when it says that it is recursive. */
function readCtes(map: Json | undefined, scope: Scope, reading: Reading): void {
  for (const { key, value } of isNode(map) ? nodes(map.map) : []) {
    const query = isNode(value) && isNode(value.query) ? value.query.node : undefined;
    if (!isNode(query) || !isNode(value)) throw new Unresolved("a common table expression");
    const outputs = readQuery(query, scope, reading);
    scope.ctes.set(text(key).toLowerCase(), named(outputs, texts(value.aliases)));
  }
}

function readModifiers(modifiers: Json | undefined, scope: Scope, reading: Reading): void {
  for (const modifier of nodes(modifiers)) {
    const type = text(modifier.type);
    if (type === "ORDER_MODIFIER") {
      if (nodes(modifier.orders).some(({ expression }) => isNode(expression) && text(expression.class) === "STAR"))
        reachAll(scope.sources, "order", reading.reach);
      readOrders(modifier, scope, reading);
    } else if (type === "LIMIT_MODIFIER" || type === "LIMIT_PERCENT_MODIFIER")
      readExpression([modifier.limit ?? null, modifier.offset ?? null], scope, reading, "other");
    else if (type === "DISTINCT_MODIFIER") readExpression(modifier.distinct_on_targets, scope, reading, "group");
    else throw new Unresolved(`a modifier of kind ${type || "unknown"}`);
  }
}

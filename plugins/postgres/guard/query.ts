import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { ownerOf } from "./columns.ts";
import { readCtes } from "./ctes.ts";
import { readExpression, readWindow } from "./expressions.ts";
import { readFrom } from "./from.ts";
import { nameOf } from "./output-name.ts";
import { emptyScope, type QueryOutput, type Reading, type Result, type Scope, Unresolved } from "./scope.ts";
import { as, isNode, type Json, list, type Node, names, nodes, opened, text } from "./tree.ts";
import { readOperator } from "./trust.ts";
import type { Use } from "./uses.ts";

const mostDepth = 100;

/** Reads a wrapped query to its end. Everything it reaches is told, its output columns too. */
export function readSubquery(value: Json | undefined, outer: Scope | undefined, reading: Reading): Result {
  const [kind, node] = opened(value) ?? ["unknown", {}];
  if (kind !== "SelectStmt") throw new Unresolved(`a query of kind ${kind}`);
  return readQuery(node, outer, reading);
}

export function readQuery(node: Node, outer: Scope | undefined, reading: Reading): Result {
  const result = readLazily(node, outer, reading);
  for (const { uses } of result.outputs) for (const use of uses) reading.reach(use);
  return result;
}

/** Reads a query, and leaves it to the caller which of its output columns are reached. */
export function readLazily(node: Node, outer: Scope | undefined, reading: Reading): Result {
  const { seen } = reading;
  seen.depth++;
  seen.deepest = Math.max(seen.deepest, seen.depth);
  if (seen.depth > mostDepth) throw new Unresolved(`queries nested more than ${mostDepth} deep`);
  reading.read.add(node);
  const { ctes, close } = readCtes(node.withClause, emptyScope(outer), reading);
  const result = isNode(node.larg)
    ? readSetOperation(node, { ...emptyScope(outer), ctes }, reading)
    : readSelect(node, { ...emptyScope(outer), ctes }, reading);
  close();
  seen.depth--;
  return result;
}

/** Parts of a query that are read here; any other would change what it is. */
const selectParts: ReadonlySet<string> = new Set([
  ...["distinctClause", "targetList", "fromClause", "whereClause", "groupClause", "groupDistinct", "havingClause", "windowClause"],
  ...["valuesLists", "sortClause", "limitOffset", "limitCount", "limitOption", "withClause", "op", "all", "larg", "rarg"],
  // What these do is told by the kind of the statement.
  ...["lockingClause", "intoClause", "groupAll", "groupByAll"],
]);

function checkParts(node: Node): void {
  const unknown = Object.keys(node).find((key) => !selectParts.has(key));
  if (unknown !== undefined) throw new Unresolved(`"${unknown}" of a query`);
}

function readSelect(node: Node, around: Scope, reading: Reading): Result {
  checkParts(node);
  if (node.valuesLists !== undefined) return readValues(node, around, reading);
  const from = readFrom(list(node.fromClause), around, reading);
  const scope: Scope = { ...around, ...from };
  const { outputs, open } = readItems(list(node.targetList), scope, reading);
  readExpression(node.whereClause, scope, reading, "filter");
  readNamed(node.groupClause, outputs, scope, reading, "group");
  readExpression(node.havingClause, scope, reading, "filter");
  for (const window of nodes(node.windowClause)) readWindow(as("WindowDef", window) ?? {}, scope, reading);
  readNamed(node.distinctClause, outputs, scope, reading, "group");
  readNamed(node.sortClause, outputs, scope, reading, "order");
  readExpression(node.limitOffset, scope, reading, "other");
  readExpression(node.limitCount, scope, reading, "other");
  return { outputs, ...(open && { open }) };
}

/** What a list gives, of a select or after RETURNING. Nothing of it is told yet. */
export function readItems(list: readonly Json[], scope: Scope, reading: Reading): Result {
  const items = list.map((item) => readItem(as("ResTarget", item) ?? {}, scope, reading));
  return { outputs: items.flatMap(({ outputs }) => outputs), ...(items.some(({ open }) => open) && { open: true }) };
}

/** One item of the select list: a star is as many columns as it finds. */
function readItem(item: Node, scope: Scope, reading: Reading): Result {
  const [kind, value] = opened(item.val) ?? [];
  const fields = list(value?.fields);
  if (kind === "ColumnRef" && value !== undefined && as("A_Star", fields.at(-1)) !== undefined) {
    reading.read.add(value);
    const parts = names(fields.slice(0, -1));
    const owner = parts.length === 0 ? undefined : ownerOf(value, parts, scope, reading);
    const outputs = (owner?.outputs ?? scope.star).map((output): QueryOutput => {
      const uses: Use[] = [];
      output.reach("output", true, (use) => void uses.push(use));
      return { name: output.name, type: output.type, uses };
    });
    const isOpen = owner === undefined ? scope.sources.some(({ open }) => open) : owner.open;
    return { outputs, ...(isOpen && { open: true }) };
  }
  const uses: Use[] = [];
  const type = readExpression(item.val, scope, { ...reading, reach: (use) => void uses.push(use) }, "output");
  const name = text(item.name) || nameOf(item.val);
  const steps = kind === "A_Indirection" ? list(value?.indirection) : [];
  // The fields of a row have names of their own.
  return { outputs: [{ name, type, uses }], ...(as("A_Star", steps.at(-1)) !== undefined && { open: true }) };
}

/** A name alone in ORDER BY and DISTINCT ON is first that of an output column, and in GROUP BY only after those of FROM; a number is a position. */
function readNamed(value: Json | undefined, outputs: readonly QueryOutput[], scope: Scope, reading: Reading, place: ColumnPlace): void {
  for (const item of list(value)) {
    const sort = as("SortBy", item);
    const expression = sort?.node ?? item;
    const fields = names(as("ColumnRef", expression)?.fields);
    const own = outputs.filter(({ name }) => fields.length === 1 && name === fields[0]);
    const inFrom = place === "group" && isOfFrom(fields[0] ?? "", scope);
    const isOutput = own.length > 0 && !inFrom;
    const set = as("GroupingSet", expression);
    if (set !== undefined) readNamed(set.content, outputs, scope, reading, place);
    else if (isOutput) {
      reading.read.add(as("ColumnRef", expression) ?? {});
      for (const { uses } of own) for (const use of uses) reading.reach({ ...use, place });
      if (sort?.useOp !== undefined) readOperator(names(sort.useOp), own[0]?.type ?? 0, own[0]?.type ?? 0, reading);
    } else readExpression(item, scope, reading, place);
    const position = Number((as("A_Const", expression)?.ival as Node | undefined)?.ival ?? 0);
    for (const use of outputs[position - 1]?.uses ?? []) reading.reach({ ...use, place });
  }
}

const isOfFrom = (name: string, { sources }: Scope): boolean =>
  sources.some(({ outputs, qualified }) => qualified !== true && outputs.some((output) => output.name === name));

function readValues(node: Node, scope: Scope, reading: Reading): Result {
  const rows = list(node.valuesLists).map((row) => nodes(as("List", row)?.items));
  const columns = rows[0]?.map((): { uses: Use[]; types: Set<number> } => ({ uses: [], types: new Set() })) ?? [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      const { uses = [], types } = columns[at] ?? {};
      types?.add(readExpression(cell, scope, { ...reading, reach: (use) => void uses.push(use) }, "output"));
    });
  }
  const outputs = columns.map(({ uses, types }, at) => ({
    name: `column${at + 1}`,
    type: types.size === 1 ? ([...types][0] ?? 0) : 0,
    uses,
  }));
  readNamed(node.sortClause, outputs, scope, reading, "order");
  readExpression(node.limitOffset, scope, reading, "other");
  readExpression(node.limitCount, scope, reading, "other");
  return { outputs };
}

/** The columns of a set operation are made of those of both sides, by position. */
function readSetOperation(node: Node, scope: Scope, reading: Reading): Result {
  checkParts(node);
  if (!isNode(node.larg) || !isNode(node.rarg)) throw new Unresolved("a set operation");
  const sides = [readLazily(node.larg, scope, reading), readLazily(node.rarg, scope, reading)];
  const result = mergedResults(sides);
  readNamed(node.sortClause, result.outputs, scope, reading, "order");
  readExpression(node.limitOffset, scope, reading, "other");
  readExpression(node.limitCount, scope, reading, "other");
  return result;
}

export function mergedResults(sides: readonly Result[]): Result {
  const [first, ...others] = sides;
  const width = Math.max(...sides.map(({ outputs }) => outputs.length));
  const outputs = Array.from({ length: width }, (_, at) => {
    const { name = "", type = 0 } = first?.outputs[at] ?? {};
    const alike = others.every((side) => side.outputs[at]?.type === type);
    return { name, type: alike ? type : 0, uses: sides.flatMap((side) => side.outputs[at]?.uses ?? []) };
  });
  return { outputs, ...(sides.some(({ open }) => open) && { open: true }) };
}

import { readCall } from "./calls.ts";
import { readExpression } from "./expressions.ts";
import { aliasOf, columnAliases, type Place, type Range, rangeOf, renamed } from "./from.ts";
import { nameOf } from "./output-name.ts";
import { type Output, type Reading, type Scope, Unresolved } from "./scope.ts";
import type { Shape, Snapshot } from "./snapshot.ts";
import { as, isNode, type Json, list, type Node, names, nodes, opened, text } from "./tree.ts";
import { readType } from "./trust.ts";

/** Columns that functions give, and whether there may be others. */
interface Columns {
  readonly outputs: readonly Output[];
  readonly open?: boolean;
}

const column = (name: string, type = 0): Output => ({ name, type, reach: () => undefined });

/** Reads functions in FROM, which always see what is to their left. */
export function readFunctions(node: Node, { around, left }: Place, reading: Reading): Range {
  const scope: Scope = { ...around, sources: left };
  const alias = aliasOf(node);
  const calls = nodes(node.functions).map((each) => list(as("List", each)?.items));
  const given = calls.map(([call, definitions]) => {
    const own = as("List", definitions)?.items ?? node.coldeflist;
    return readOne(call, nodes(own ?? null), calls.length === 1 ? alias : "", scope, reading);
  });
  const ordinality = node.ordinality === true ? [column("ordinality", 20)] : [];
  const outputs = [...given.flatMap((each) => each.outputs), ...ordinality];
  const isOpen = given.some(({ open }) => open);
  const aliases = columnAliases(node);
  const more = isOpen ? aliases.slice(outputs.length).map((name) => column(name)) : [];
  const [call] = calls[0] ?? [];
  return rangeOf({ alias: alias || nameOf(call), outputs: [...renamed(outputs, aliases), ...more], ...(isOpen && { open: true }) });
}

function readOne(call: Json | undefined, definitions: readonly Node[], alias: string, scope: Scope, reading: Reading): Columns {
  const [kind, node] = opened(call) ?? ["unknown", {}];
  const scalar = column(alias || nameOf(call));
  if (kind !== "FuncCall") {
    readExpression(call, scope, reading, "other");
    return { outputs: [scalar] };
  }
  readCall(node, scope, reading, "other");
  if (definitions.length > 0) return { outputs: definitions.map((each) => defined(as("ColumnDef", each), reading)) };
  const parts = names(node.funcname);
  const shapes = [...reading.snapshot.functions(parts), ...reading.snapshot.shapes(parts.at(-1) ?? "")];
  // Of several arrays each is a column.
  if (parts.at(-1) === "unnest" && list(node.args).length > 1) return { outputs: list(node.args).map(() => column("unnest")), open: true };
  const known = shapes.map((shape) => columnsOf(shape, scalar, reading.snapshot));
  const [only = { outputs: [scalar] }, ...others] = known;
  if (others.length === 0) return only;
  return { outputs: only.outputs.length > 1 ? only.outputs : [scalar, ...known.flatMap(({ outputs }) => outputs)], open: true };
}

function defined(node: Node | undefined, reading: Reading): Output {
  if (node === undefined || !isNode(node.typeName)) throw new Unresolved("a list of columns");
  return column(text(node.colname), readType(node.typeName, 0, reading));
}

/** Types whose values may have any columns: record, and what takes the type of an argument. */
const anything: ReadonlySet<number> = new Set([2249, 2283, 2776, 5077, 5079]);

function columnsOf({ outputs, returns }: Shape, scalar: Output, snapshot: Snapshot): Columns {
  if (outputs.length > 0) return { outputs: outputs.map(({ name, type }) => column(name, type)) };
  const relation = snapshot.rowsOf(returns);
  if (relation !== undefined) return { outputs: relation.columns.map((name, at) => column(name, relation.types[at])) };
  return { outputs: [{ ...scalar, type: returns }], ...(anything.has(returns) && { open: true }) };
}

/** XMLTABLE */
export function readXmlTable(node: Node, { around, left }: Place, reading: Reading): Range {
  const scope: Scope = { ...around, sources: left };
  readExpression([node.docexpr ?? null, node.rowexpr ?? null, node.namespaces ?? null], scope, reading, "other");
  const outputs = nodes(node.columns).map((each) => {
    const part = as("RangeTableFuncCol", each);
    if (part === undefined) throw new Unresolved("a column of xmltable");
    readExpression([part.colexpr ?? null, part.coldefexpr ?? null], scope, reading, "other");
    return column(text(part.colname), isNode(part.typeName) ? readType(part.typeName, 0, reading) : 0);
  });
  return rangeOf({ alias: aliasOf(node) || "xmltable", outputs: renamed(outputs, columnAliases(node)) });
}

/** JSON_TABLE, which before PostgreSQL 17 was the name of somebody's function. */
export function readJsonTable(node: Node, { around, left }: Place, reading: Reading): Range {
  if (reading.snapshot.version < 170_000) throw new Unresolved("json_table before PostgreSQL 17");
  const scope: Scope = { ...around, sources: left };
  const wrapped: Json[] = [
    isNode(node.context_item) ? { JsonValueExpr: node.context_item } : null,
    isNode(node.on_error) ? { JsonBehavior: node.on_error } : null,
  ];
  readExpression([...wrapped, node.passing ?? null], scope, reading, "other");
  return rangeOf({
    alias: aliasOf(node) || "json_table",
    outputs: renamed(jsonColumns(node.columns, scope, reading), columnAliases(node)),
  });
}

function jsonColumns(value: Json | undefined, scope: Scope, reading: Reading): Output[] {
  return nodes(value).flatMap((each) => {
    const part = as("JsonTableColumn", each);
    if (part === undefined) throw new Unresolved("a column of json_table");
    for (const key of ["on_empty", "on_error"]) if (isNode(part[key])) readExpression({ JsonBehavior: part[key] }, scope, reading, "other");
    if (part.columns !== undefined) return jsonColumns(part.columns, scope, reading);
    return [column(text(part.name), isNode(part.typeName) ? readType(part.typeName, 0, reading) : 0)];
  });
}

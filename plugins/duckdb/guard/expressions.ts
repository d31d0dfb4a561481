import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { trustedFunctions } from "./functions.ts";
import { holds, isNode, type Json, type Node, nodes, text, texts } from "./json.ts";
import { innerScope, outwards, type Reading, reachAll, reachNamed, type Scope, same, Unresolved } from "./scope.ts";

/** Where the parts of each kind of expression are. A part that is not listed is one nobody has thought of. */
const parts: Readonly<Record<string, readonly string[]>> = {
  CONSTANT: [],
  PARAMETER: [],
  DEFAULT: [],
  COMPARISON: ["left", "right"],
  CONJUNCTION: ["children"],
  OPERATOR: ["children"],
  BETWEEN: ["input", "lower", "upper"],
  COLLATE: ["child"],
  CAST: ["child"],
  CASE: ["else_expr"],
  FUNCTION: ["children", "filter"],
  WINDOW: ["children", "filter_expr", "start_expr", "end_expr", "offset_expr", "default_expr"],
  SUBQUERY: ["child"],
  STAR: ["expr"],
  COLUMN_REF: [],
  POSITIONAL_REFERENCE: [],
  // Nobody but these functions and COLUMNS takes a lambda: anywhere else the arrow is an operator on JSON.
  LAMBDA: ["lhs", "expr"],
};

/** Parts that are read below, or hold no expression. */
const otherParts: ReadonlySet<string> = new Set([
  ...["order_bys", "case_checks", "partitions", "orders", "arg_orders", "subquery", "column_names", "cast_type", "value"],
  ...["exclude_list", "replace_list", "rename_list", "qualified_exclude_list"],
]);

/** Reads one expression: what it reaches, what it calls. @throws Unresolved for what it does not know */
export function readExpression(value: Json | undefined, scope: Scope, reading: Reading, place: ColumnPlace): void {
  if (Array.isArray(value)) {
    for (const each of value) readExpression(each, scope, reading, place);
    return;
  }
  if (!isNode(value)) return;
  const kind = text(value.class);
  const known = parts[kind];
  if (known === undefined) throw new Unresolved(`an expression of kind ${kind || "unknown"}`);
  const mayHoldLambda = kind === "STAR" || lambdaFunctions.has(text(value.function_name).toLowerCase());
  for (const [key, part] of Object.entries(value)) {
    if (known.includes(key) && mayHoldLambda)
      for (const each of Array.isArray(part) ? part : [part]) readArgument(each, scope, reading, place);
    else if (known.includes(key)) readExpression(part, scope, reading, place);
    else if (holds(part) && !otherParts.has(key)) throw new Unresolved(`"${key}" of an expression of kind ${kind}`);
  }
  special[kind]?.(value, scope, reading, place);
}

/** Functions that are written without parentheses: a column of that name goes first. */
const isValue = (name: string): boolean =>
  /^(current_(date|time|timestamp|user|role|catalog|schema|localtime|localtimestamp)|local(time|timestamp)|session_user|user)$/i.test(name);

const isColumn = (name: string, scope: Scope): boolean =>
  [...outwards(scope)].some(
    ({ sources, aliases }) =>
      aliases.has(name.toLowerCase()) ||
      sources.some(({ alias, outputs }) => same(alias, name) || outputs.some((output) => same(output.name, name))),
  );

type Reader = (node: Node, scope: Scope, reading: Reading, place: ColumnPlace) => void;

const special: Readonly<Record<string, Reader>> = {
  COLUMN_REF: (node, scope, reading, place) => {
    const [name = "", ...more] = texts(node.column_names);
    if (more.length === 0 && isValue(name) && !isColumn(name, scope))
      reading.fn({ name: name.toLowerCase(), kind: "function", trusted: true });
    else if (reachNamed(texts(node.column_names), scope, place, reading.reach).qualified) reading.qualified.push(node);
  },
  POSITIONAL_REFERENCE: (_node, scope, reading, place) => reachAll(scope.sources, place, reading.reach),
  STAR: readStar,
  FUNCTION: (node, scope, reading, place) => {
    readCall(node, scope, reading, place);
    readOrders(node.order_bys, scope, reading);
  },
  WINDOW: (node, scope, reading, place) => {
    readCall(node, scope, reading, place);
    readExpression(node.partitions, scope, reading, "window");
    for (const order of [...nodes(node.orders), ...nodes(node.arg_orders)]) readExpression(order.expression, scope, reading, "window");
  },
  CASE: (node, scope, reading, place) => {
    for (const check of nodes(node.case_checks)) readExpression([check.when_expr ?? null, check.then_expr ?? null], scope, reading, place);
  },
  CAST: (node, _scope, reading) => readType(node.cast_type, reading),
  SUBQUERY: (node, scope, reading) => {
    const query = isNode(node.subquery) ? node.subquery.node : undefined;
    if (!isNode(query)) throw new Unresolved("a subquery");
    reading.query(query, scope, reading);
  },
};

export function readOrders(modifier: Json | undefined, scope: Scope, reading: Reading): void {
  if (isNode(modifier)) for (const order of nodes(modifier.orders)) readExpression(order.expression, scope, reading, "order");
}

function readStar(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): void {
  const owner = text(node.relation_name);
  reachAll(
    owner === "" ? scope.sources : [...outwards(scope)].flatMap(({ sources }) => sources.filter(({ alias }) => same(alias, owner))),
    place,
    reading.reach,
  );
  for (const entry of nodes(node.replace_list)) readExpression(entry.value, scope, reading, place);
}

const lambdaFunctions: ReadonlySet<string> = new Set(
  ["apply", "transform", "filter", "reduce"].flatMap((name) => [name, `list_${name}`, `array_${name}`]),
);

/** The parameters of a lambda are names of its own. */
function readArgument(value: Json, scope: Scope, reading: Reading, place: ColumnPlace): void {
  const lhs = isNode(value) && text(value.class) === "LAMBDA" && isNode(value.lhs) ? value.lhs : undefined;
  const given = lhs && (text(lhs.class) === "FUNCTION" && text(lhs.function_name) === "row" ? nodes(lhs.children) : [lhs]);
  const isLambda = isNode(value) && given?.every((parameter) => text(parameter.class) === "COLUMN_REF") === true;
  const inner = isLambda ? innerScope(scope) : scope;
  for (const parameter of (isLambda && given) || [])
    for (const name of texts(parameter.column_names)) inner.aliases.add(name.toLowerCase());
  readExpression(isLambda ? value.expr : value, inner, reading, place);
}

/** `text.lower()` is written like a function of a schema, where the schema is a column. */
function readCall(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): void {
  const name = text(node.function_name).toLowerCase();
  const schema = text(node.schema);
  const owner = ["", "main", "system", "pg_catalog"].includes(schema)
    ? undefined
    : [text(node.catalog), schema].filter((part) => part !== "");
  if (owner !== undefined) reachNamed(owner, scope, place, reading.reach);
  reading.fn({
    name,
    kind: node.is_operator === true ? "operator" : "function",
    trusted: trustedFunctions.has(name) && !reading.snapshot.macros.has(name),
  });
}

/** A type somebody made is looked up by name; making one value of it runs nothing. */
function readType(type: Json | undefined, reading: Reading): void {
  const id = isNode(type) ? text(type.id) : "";
  if (id === "") throw new Unresolved("a cast");
  reading.fn({ name: id.toLowerCase(), kind: "cast", trusted: true });
}

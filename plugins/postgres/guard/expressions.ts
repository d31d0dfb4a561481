import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { readCall } from "./calls.ts";
import { readField, readReference, rowSource } from "./columns.ts";
import { readSubquery } from "./query.ts";
import { type Reading, type Scope, Unresolved } from "./scope.ts";
import { as, isNode, type Json, list, type Node, names, nodes, opened, text } from "./tree.ts";
import { readAttribute, readOperator, readType, types } from "./trust.ts";

type Reader = (node: Node, scope: Scope, reading: Reading, place: ColumnPlace) => number | undefined;

/** Reads one expression: what it reaches, what it calls. Gives the number of its type, or 0. @throws Unresolved for what it does not know */
export function readExpression(value: Json | undefined, scope: Scope, reading: Reading, place: ColumnPlace): number {
  if (Array.isArray(value)) {
    for (const each of value) readExpression(each, scope, reading, place);
    return 0;
  }
  if (!isNode(value) || Object.keys(value).length === 0) return 0;
  const [kind, node] = opened(value) ?? ["unknown", {}];
  const read = readers[kind];
  if (read === undefined) throw new Unresolved(`an expression of kind ${kind}`);
  return read(node, scope, reading, place) ?? 0;
}

/** Reads these parts of a node, and nothing else of it. */
const parts =
  (keys: readonly string[], type = 0): Reader =>
  (node, scope, reading, place) => {
    for (const key of keys) readExpression(node[key], scope, reading, place);
    return type;
  };

/** A part that is written without its kind. */
const bare =
  (kind: string, key: string): Reader =>
  (node, scope, reading, place) =>
    isNode(node[key]) ? readExpression({ [kind]: node[key] }, scope, reading, place) : 0;

const all =
  (...readers: readonly Reader[]): Reader =>
  (node, scope, reading, place) => {
    for (const read of readers) read(node, scope, reading, place);
    return 0;
  };

/** In SQL, and not by name, only since that version; before, the same text calls a function that somebody made. */
const since =
  (version: number, read: Reader): Reader =>
  (node, scope, reading, place) => {
    if (reading.snapshot.version < version * 10_000) throw new Unresolved(`an expression of PostgreSQL ${version}`);
    return read(node, scope, reading, place);
  };

const jsonOutput: Reader = (node, _scope, reading) => {
  const output = isNode(node.output) ? node.output.typeName : undefined;
  return isNode(output) ? readType(output, 0, reading) : 0;
};
const behaviours = all(bare("JsonBehavior", "on_empty"), bare("JsonBehavior", "on_error"));
const jsonArguments = parts(["passing"]);
const constructed = all(bare("JsonAggConstructor", "constructor"), bare("JsonValueExpr", "arg"));

const readers: Readonly<Record<string, Reader>> = {
  A_Const: constantType,
  ParamRef: () => 0,
  SetToDefault: () => 0,
  SQLValueFunction: () => 0,
  CurrentOfExpr: () => 0,
  ColumnRef: (node, scope, reading, place) => readReference(node, scope, reading, place).type,
  A_Expr: readOperation,
  BoolExpr: parts(["args"], types.boolean),
  NullTest: parts(["arg"], types.boolean),
  BooleanTest: parts(["arg"], types.boolean),
  SubLink: readSubLink,
  CaseExpr: parts(["arg", "args", "defresult"]),
  CaseWhen: parts(["expr", "result"]),
  CoalesceExpr: parts(["args"]),
  MinMaxExpr: parts(["args"]),
  FuncCall: readCall,
  NamedArgExpr: parts(["arg"]),
  TypeCast: readCast,
  CollateClause: (node, scope, reading, place) => readExpression(node.arg, scope, reading, place),
  A_ArrayExpr: parts(["elements"]),
  A_Indirection: readIndirection,
  A_Indices: parts(["lidx", "uidx"]),
  RowExpr: parts(["args"], types.record),
  List: parts(["items"]),
  ResTarget: parts(["val"]),
  GroupingFunc: parts(["args"]),
  GroupingSet: parts(["content"]),
  SortBy: readSort,
  XmlExpr: parts(["named_args", "args"]),
  XmlSerialize: all(parts(["expr"]), (node, _scope, reading) => (isNode(node.typeName) ? readType(node.typeName, 0, reading) : 0)),
  JsonValueExpr: parts(["raw_expr"]),
  JsonIsPredicate: since(16, parts(["expr"], types.boolean)),
  JsonKeyValue: all(parts(["key"]), bare("JsonValueExpr", "value")),
  JsonArgument: bare("JsonValueExpr", "val"),
  JsonBehavior: parts(["expr"]),
  JsonObjectConstructor: since(16, all(parts(["exprs"]), jsonOutput)),
  JsonArrayConstructor: since(16, all(parts(["exprs"]), jsonOutput)),
  JsonArrayQueryConstructor: since(
    16,
    all((node, scope, reading) => void readSubquery(node.query, scope, reading), jsonOutput),
  ),
  JsonObjectAgg: since(16, all(bare("JsonAggConstructor", "constructor"), bare("JsonKeyValue", "arg"))),
  JsonArrayAgg: since(16, constructed),
  JsonAggConstructor: all(parts(["agg_filter", "agg_order"]), readOver, jsonOutput),
  JsonParseExpr: since(17, all(bare("JsonValueExpr", "expr"), jsonOutput)),
  JsonScalarExpr: since(17, all(parts(["expr"]), jsonOutput)),
  JsonSerializeExpr: since(17, all(bare("JsonValueExpr", "expr"), jsonOutput)),
  JsonFuncExpr: since(17, all(bare("JsonValueExpr", "context_item"), parts(["pathspec"]), jsonArguments, jsonOutput, behaviours)),
  MergeSupportFunc: since(17, () => types.text),
};

function constantType(node: Node): number {
  if (node.isnull === true || node.sval !== undefined) return types.unknown;
  if (node.boolval !== undefined) return types.boolean;
  if (node.bsval !== undefined) return types.bit;
  if (node.ival !== undefined) return types.integer;
  const digits = isNode(node.fval) ? text(node.fval.fval) : "";
  return /^\d+$/.test(digits) && BigInt(digits) < 2n ** 63n ? types.bigint : types.numeric;
}

/** What the grammar writes as a kind, and the operators it stands for. */
const spelt: Readonly<Record<string, readonly string[]>> = {
  AEXPR_BETWEEN: [">=", "<="],
  AEXPR_NOT_BETWEEN: ["<", ">"],
  AEXPR_BETWEEN_SYM: [">=", "<="],
  AEXPR_NOT_BETWEEN_SYM: ["<", ">"],
};

function readOperation(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  reading.read.add(node);
  const left = readExpression(node.lexpr, scope, reading, place);
  const isList = as("List", node.rexpr) !== undefined;
  const sides = isList
    ? nodes(as("List", node.rexpr)?.items).map((item) => readExpression(item, scope, reading, place))
    : [readExpression(node.rexpr, scope, reading, place)];
  const operators = spelt[text(node.kind)]?.map((name) => [name]) ?? [names(node.name)];
  let type = 0;
  for (const name of operators) for (const right of sides) type = readOperator(name, left, right, reading);
  if (text(node.kind) === "AEXPR_NULLIF") return left;
  return text(node.kind) === "AEXPR_OP" ? type : types.boolean;
}

function readSubLink(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  reading.read.add(node);
  const left = readExpression(node.testexpr, scope, reading, place);
  const { outputs } = readSubquery(node.subselect, scope, reading);
  const type = outputs[0]?.type ?? 0;
  if (node.operName !== undefined) readOperator(names(node.operName), left, type, reading);
  return text(node.subLinkType) === "EXPR_SUBLINK" ? type : text(node.subLinkType) === "ARRAY_SUBLINK" ? 0 : types.boolean;
}

function readCast(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  reading.read.add(node);
  const from = readExpression(node.arg, scope, reading, place);
  return readType(isNode(node.typeName) ? node.typeName : undefined, from, reading);
}

/** `(row).field`, `array[1]`, and both in a row. */
function readIndirection(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  const [first, ...others] = list(node.indirection);
  const reference = as("ColumnRef", node.arg);
  const row = reference && rowSource(reference, scope);
  const field = text(as("String", first)?.sval);
  if (reference !== undefined && row !== undefined && field !== "") {
    return others.reduce<number>(
      (from, step) => readStep(from, step, scope, reading, place),
      readField(reference, row, field, reading, place),
    );
  }
  return list(node.indirection).reduce<number>(
    (from, step) => readStep(from, step, scope, reading, place),
    readExpression(node.arg, scope, reading, place),
  );
}

/** A field of a value, or a function that is written like one. */
function readStep(from: number, step: Json, scope: Scope, reading: Reading, place: ColumnPlace): number {
  if (as("A_Star", step) !== undefined) return 0;
  if (as("A_Indices", step) !== undefined) {
    readExpression(step, scope, reading, place);
    return reading.snapshot.typeBy(from)?.element ?? 0;
  }
  const field = text(as("String", step)?.sval);
  const relation = reading.snapshot.relationBy(reading.snapshot.typeBy(from)?.relation ?? 0);
  const at = relation?.columns.indexOf(field) ?? -1;
  if (at >= 0) return relation?.types[at] ?? 0;
  if (reading.snapshot.functions([field]).length > 0) readAttribute(field, reading);
  return 0;
}

function readSort(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  const type = readExpression(node.node, scope, reading, place);
  if (node.useOp !== undefined) readOperator(names(node.useOp), type, type, reading);
  return type;
}

/** OVER names a window, or describes one. */
export function readOver(node: Node, scope: Scope, reading: Reading): number {
  if (isNode(node.over)) readWindow(node.over, scope, reading);
  return 0;
}

export function readWindow(node: Node, scope: Scope, reading: Reading): void {
  for (const key of ["partitionClause", "orderClause", "startOffset", "endOffset"]) readExpression(node[key], scope, reading, "window");
}

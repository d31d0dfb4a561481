import { collect, isNode, type Json, list, type Node, names, text } from "./tree.ts";

/** Operators that give an answer for all values. Those in `patterns` do so for a pattern that is the same for every row. */
const steady = /^(?:=|<>|<|>|<=|>=|->>?|#>>?|@>|<@|&&|\?[|&]?|\^@)$/;
const patterns = /^!?~~?\*?$/;

/** Functions that give an answer for all values; of those with a unit it has to be the same for every row. */
const steadyFunctions: ReadonlySet<string> = new Set(
  [
    "lower upper initcap length char_length btrim ltrim rtrim left right reverse starts_with strpos position concat concat_ws md5 now",
    "date_trunc date_part extract isfinite abs sign ceil ceiling floor round array_length cardinality jsonb_typeof unnest",
    "count sum avg min max bool_and bool_or every array_agg string_agg json_agg jsonb_agg mode percentile_cont percentile_disc",
    "row_number rank dense_rank percent_rank cume_dist lag lead first_value last_value",
  ].flatMap((line) => line.split(" ")),
);
const withUnit: ReadonlySet<string> = new Set(["date_trunc", "date_part", "extract"]);

/** Kinds that fail for some values, if what they are given depends on a row. */
const failing: ReadonlySet<string> = new Set([
  ...["XmlExpr", "XmlSerialize", "RangeTableFunc", "JsonTable", "JsonFuncExpr", "JsonParseExpr", "JsonSerializeExpr", "JsonScalarExpr"],
  ...["JsonObjectConstructor", "JsonArrayConstructor", "JsonObjectAgg", "JsonArrayAgg"],
]);

const afterwards = ["targetList", "groupClause", "sortClause", "distinctClause", "windowClause"] as const;

/**
 * Whether something of a statement could fail on one row and not on another before rows are filtered: the engine is free to look at
 * conditions in any order, and an error would tell of rows that are not there for the caller. Of what is in `apart` only FROM is looked at.
 */
export function mayFail(select: Node, apart: ReadonlySet<Node>): boolean {
  const arms = [select.larg, select.rarg].filter(isNode);
  if (arms.length > 0) return fails(select.withClause, apart) || arms.some((arm) => mayFail(arm, apart));
  const before = Object.entries(select).filter(([key]) => !afterwards.some((each) => each === key));
  const within = afterwards.flatMap((key) => collect(select[key], new Set(["SubLink"]))).map(({ subselect }) => subselect);
  return before.some(([, part]) => fails(part, apart)) || within.some((query) => fails(query, apart));
}

function fails(value: Json | undefined, apart: ReadonlySet<Node>): boolean {
  if (Array.isArray(value)) return value.some((each) => fails(each, apart));
  if (!isNode(value)) return false;
  if (apart.has(value)) return fails(value.fromClause, apart);
  for (const key in value) {
    const part = value[key];
    if (isNode(part) && !apart.has(part) && isFailing(key, part)) return true;
    if (typeof part === "object" && fails(part, apart)) return true;
  }
  return false;
}

function isFailing(kind: string, node: Node): boolean {
  if (kind === "A_Expr") return dependsOnRow([node.lexpr, node.rexpr]) && !isSteady(node);
  if (kind === "TypeCast") return dependsOnRow([node.arg]) && !isPlainText(node.typeName);
  if (kind === "SubLink") return text(node.subLinkType) === "EXPR_SUBLINK";
  if (kind === "FuncCall") {
    const name = names(node.funcname).at(-1) ?? "";
    const known = steadyFunctions.has(name) && !(withUnit.has(name) && dependsOnRow([list(node.args)[0]]));
    return !known && dependsOnRow([node.args, node.agg_filter, node.agg_order]);
  }
  return failing.has(kind) && dependsOnRow([node]);
}

function isSteady({ kind, name, rexpr }: Node): boolean {
  const operator = names(name).at(-1) ?? "";
  if (/LIKE|SIMILAR/.test(text(kind)) || patterns.test(operator)) return !dependsOnRow([rexpr]);
  return !/^AEXPR_(?:OP|OP_ANY|OP_ALL)$/.test(text(kind)) || steady.test(operator);
}

/** Every value has a text. */
const isPlainText = (type: Json | undefined): boolean =>
  isNode(type) && names(type.names).at(-1) === "text" && type.arrayBounds === undefined;

const rowKinds: ReadonlySet<string> = new Set(["ColumnRef", "SubLink"]);
const dependsOnRow = (parts: readonly (Json | undefined)[]): boolean => parts.some((part) => collect(part, rowKinds).length > 0);

/** Keeps the conditions around a query from being looked at before its own. */
export function fence(select: Node): void {
  Object.assign(select, { limitOffset: { A_Const: { ival: {} } }, limitOption: "LIMIT_OPTION_COUNT" });
}

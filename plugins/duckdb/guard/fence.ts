import { isNode, type Json, type Node, nodes, text } from "./json.ts";

const words = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(" ")));

/** Functions and operators that give an answer for all values. */
const steady = words(
  "~~ !~~ ~~* !~~* ~~~ ^@ / // % -> ->> lower upper lcase ucase length len strlen trim ltrim rtrim left right reverse prefix suffix starts_with",
  "contains strpos instr position list_contains list_has array_length typeof year month day quarter week hour minute second dayofweek",
  "isnan isinf isfinite sign least greatest ifnull nullif now today unnest list_value row struct_pack struct_extract",
  "count count_star sum avg min max bool_and bool_or any_value first last arg_min arg_max median mode list string_agg",
  "row_number rank dense_rank percent_rank cume_dist lag lead first_value last_value",
);

/** Those that do so when all but one of what they are given, the one at this place, is the same for every row. */
const steadyFor: Readonly<Record<string, number>> = {
  ...{ date_part: 1, date_trunc: 1, strftime: 0, regexp_matches: 0, regexp_full_match: 0, regexp_extract: 0, regexp_replace: 0 },
  ...{ like_escape: 0, not_like_escape: 0, ilike_escape: 0, not_ilike_escape: 0 },
};

const steadyOperators = words("OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_NOT OPERATOR_COALESCE COMPARE_IN COMPARE_NOT_IN");

const afterwards = words("select_list group_expressions modifiers");

/**
 * Whether something of a query could fail on one row and not on another before rows are filtered: the engine is free to look at
 * conditions in any order, and an error would tell of rows that are not there for the caller. Of what is in `apart` only FROM is looked at.
 */
export function mayFail(query: Node, apart: ReadonlySet<Node>): boolean {
  const isSelect = query.type === "SELECT_NODE";
  return Object.entries(query).some(([key, part]) => {
    if (isSelect && afterwards.has(key)) return subqueries(part).some((each) => fails(each, apart));
    const arms = /^(?:left|right|children)$/.test(key) && query.type === "SET_OPERATION_NODE";
    return arms ? [part].flat().some((arm) => isNode(arm) && mayFail(arm, apart)) : fails(part, apart);
  });
}

function subqueries(value: Json): Node[] {
  if (Array.isArray(value)) return value.flatMap(subqueries);
  if (!isNode(value)) return [];
  return value.class === "SUBQUERY" ? [value] : Object.values(value).flatMap(subqueries);
}

function fails(value: Json | undefined, apart: ReadonlySet<Node>): boolean {
  if (Array.isArray(value)) return value.some((each) => fails(each, apart));
  if (!isNode(value)) return false;
  if (apart.has(value)) return fails(value.from_table, apart);
  return isFailing(value) || Object.values(value).some((part) => fails(part, apart));
}

function isFailing(node: Node): boolean {
  switch (node.class) {
    case "FUNCTION":
    case "WINDOW":
      return !isSteady(text(node.function_name).toLowerCase(), nodes(node.children));
    case "CAST":
      return node.try_cast !== true && !isConstant(node.child) && !(isNode(node.cast_type) && node.cast_type.id === "VARCHAR");
    case "OPERATOR":
      return !steadyOperators.has(text(node.type));
    case "SUBQUERY":
      return node.subquery_type === "SCALAR";
    case "LAMBDA":
      return true;
    default:
      return false;
  }
}

function isSteady(name: string, given: readonly Node[]): boolean {
  const subject = steadyFor[name];
  return subject === undefined ? steady.has(name) : given.every((each, at) => at === subject || isConstant(each));
}

const isConstant = (value: Json | undefined): boolean => isNode(value) && value.class === "CONSTANT";

/** Keeps the conditions around a query from being looked at before its own. */
export function fence(select: Node): void {
  const value = { type: { id: "INTEGER", type_info: null }, is_null: false, value: 0 };
  const none = { class: "CONSTANT", type: "VALUE_CONSTANT", alias: "", query_location: 0, value };
  select.modifiers = [{ type: "LIMIT_MODIFIER", limit: null, offset: none }];
}

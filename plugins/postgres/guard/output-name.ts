import { as, isNode, type Json, list, type Node, names, opened, text } from "./tree.ts";

const fixed: Readonly<Record<string, string>> = {
  CoalesceExpr: "coalesce",
  A_ArrayExpr: "array",
  RowExpr: "row",
  GroupingFunc: "grouping",
  XmlSerialize: "xmlserialize",
  MergeSupportFunc: "merge_action",
  JsonParseExpr: "json",
  JsonScalarExpr: "json_scalar",
  JsonSerializeExpr: "json_serialize",
  JsonObjectConstructor: "json_object",
  JsonArrayConstructor: "json_array",
  JsonArrayQueryConstructor: "json_array",
  JsonObjectAgg: "json_objectagg",
  JsonArrayAgg: "json_arrayagg",
};

const xml: Readonly<Record<string, string>> = {
  IS_XMLCONCAT: "xmlconcat",
  IS_XMLELEMENT: "xmlelement",
  IS_XMLFOREST: "xmlforest",
  IS_XMLPARSE: "xmlparse",
  IS_XMLPI: "xmlpi",
  IS_XMLROOT: "xmlroot",
  IS_XMLSERIALIZE: "xmlserialize",
};

const json: Readonly<Record<string, string>> = { JSON_EXISTS_OP: "json_exists", JSON_QUERY_OP: "json_query", JSON_VALUE_OP: "json_value" };

/** The name the engine gives to a column of a result that has no alias. */
export function nameOf(value: Json | undefined): string {
  return found(value)?.name ?? "?column?";
}

/** A `weak` name gives way to that of what is inside. */
interface Name {
  readonly name: string;
  readonly weak?: true;
}

function found(value: Json | undefined): Name | undefined {
  const [kind, node] = opened(value) ?? ["", {}];
  if (fixed[kind] !== undefined) return { name: fixed[kind] };
  const make = special[kind];
  return make?.(node);
}

const strong = (name: string | undefined): Name | undefined => (name === undefined || name === "" ? undefined : { name });

const special: Readonly<Record<string, (node: Node) => Name | undefined>> = {
  ColumnRef: ({ fields }) => strong(names(list(fields).filter((field) => as("String", field))).at(-1)),
  A_Indirection: (node) => strong(names(list(node.indirection).filter((step) => as("String", step))).at(-1)) ?? found(node.arg),
  FuncCall: ({ funcname }) => strong(names(funcname).at(-1)),
  A_Expr: ({ kind }) => (text(kind) === "AEXPR_NULLIF" ? { name: "nullif" } : undefined),
  TypeCast(node) {
    const inner = found(node.arg);
    const type = isNode(node.typeName) ? names(node.typeName.names).at(-1) : undefined;
    return inner !== undefined && !inner.weak ? inner : type === undefined ? inner : { name: type, weak: true };
  },
  CollateClause: (node) => found(node.arg),
  SubLink: subLink,
  CaseExpr(node) {
    const inner = found(node.defresult);
    return inner !== undefined && !inner.weak ? inner : { name: "case", weak: true };
  },
  MinMaxExpr: ({ op }) => ({ name: text(op) === "IS_LEAST" ? "least" : "greatest" }),
  SQLValueFunction: ({ op }) =>
    strong(
      text(op)
        .replace(/^SVFOP_/, "")
        .replace(/_N$/, "")
        .toLowerCase(),
    ),
  XmlExpr: ({ op }) => strong(xml[text(op)]),
  JsonFuncExpr: ({ op }) => strong(json[text(op)]),
};

function subLink({ subLinkType, subselect }: Node): Name | undefined {
  if (text(subLinkType) === "EXISTS_SUBLINK") return { name: "exists" };
  if (text(subLinkType) === "ARRAY_SUBLINK") return { name: "array" };
  if (text(subLinkType) !== "EXPR_SUBLINK") return undefined;
  let query = as("SelectStmt", subselect);
  while (query !== undefined && isNode(query.larg)) query = query.larg;
  const target = as("ResTarget", list(query?.targetList)[0]);
  const alias = text(target?.name);
  return alias === "" ? strong(nameOf(target?.val)) : { name: alias };
}

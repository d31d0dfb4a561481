import { Deparser } from "pgsql-deparser";

/** A part of a tree. What is read of it has the shape that the grammar gave it. */
type Part = any;
type Context = NonNullable<Parameters<Deparser["visit"]>[1]>;

/** What may be followed by `[1]` or `.field` as it stands, or gets its parentheses from the package. */
const bracketed: ReadonlySet<string> = new Set([
  ...["ColumnRef", "ParamRef", "TypeCast", "SubLink", "A_Expr", "FuncCall", "A_Indirection", "RowExpr"],
]);

/** Types that the grammar has words of its own for, which mean those of the engine. */
const spelt: ReadonlySet<string> = new Set([
  ...["int2", "int4", "int8", "float4", "float8", "numeric", "bool", "bpchar", "varchar", "bit", "varbit"],
  ...["time", "timetz", "timestamp", "timestamptz", "interval"],
]);

/** Writes trees as text: the npm package, and what it leaves out or writes wrongly. Whatever is wrong still is found when the text is read again. */
export class Writer extends Deparser {
  override A_Indirection(node: Part, context: Context): string {
    const text = super.A_Indirection(node, context);
    if (bracketed.has(Object.keys(node.arg)[0] ?? "")) return text;
    const inner = this.visit(node.arg, context);
    return `(${inner})${text.slice(inner.length)}`;
  }

  override SelectStmt(node: Part, context: Context): string {
    if (node.limitOption !== "LIMIT_OPTION_WITH_TIES") return super.SelectStmt(node, context);
    const { limitCount, ...others } = node;
    const text = super.SelectStmt({ ...others, limitOption: "LIMIT_OPTION_DEFAULT" }, context);
    return `${text} FETCH FIRST (${this.visit(limitCount, context)}) ROWS WITH TIES`;
  }

  override FuncCall(node: Part, context: Context): string {
    const name = node.funcname?.at(-1)?.String?.sval;
    const isLocal = name === "timezone" && node.funcformat === "COERCE_SQL_SYNTAX" && node.args?.length === 1;
    return isLocal ? `(${this.visit(node.args[0], context)}) AT LOCAL` : super.FuncCall(node, context);
  }

  /** The package leaves the schema out; then the type would be looked for along the path. */
  override TypeName(node: Part, context: Context): string {
    const [schema, name, ...others] = (node.names ?? []).map((each: Part) => each.String?.sval);
    if (schema !== "pg_catalog" || name === undefined || others.length > 0) return super.TypeName(node, context);
    // The words BIT and CHAR mean one of them.
    if ((name === "bit" || name === "bpchar") && node.typmods === undefined && node.arrayBounds === undefined)
      return `pg_catalog."${name}"`;
    if (spelt.has(name)) return super.TypeName(node, context);
    return `pg_catalog.${super.TypeName({ ...node, names: node.names.slice(1) }, context)}`;
  }

  override TypeCast(node: Part, context: Context): string {
    return `CAST(${this.visit(node.arg, context)} AS ${this.TypeName(node.typeName, context)})`;
  }

  override RangeTableFunc(node: Part, context: Context): string {
    const spaces = (node.namespaces ?? []).map(({ ResTarget: { name, val } }: Part) =>
      name === undefined ? `DEFAULT ${this.visit(val, context)}` : `${this.visit(val, context)} AS ${quoted(name)}`,
    );
    const names = spaces.length > 0 ? `XMLNAMESPACES (${spaces.join(", ")}), ` : "";
    const columns = node.columns.map((column: Part) => this.RangeTableFuncCol(column.RangeTableFuncCol, context)).join(", ");
    const alias = node.alias === undefined ? "" : ` ${this.Alias(node.alias, context)}`;
    const [row, document] = [node.rowexpr, node.docexpr].map((part) => this.visit(part, context));
    return `${node.lateral ? "LATERAL " : ""}XMLTABLE (${names}(${row}) PASSING (${document}) COLUMNS ${columns})${alias}`;
  }

  override RangeTableFuncCol(node: Part, context: Context): string {
    if (node.for_ordinality) return `${quoted(node.colname)} FOR ORDINALITY`;
    const path = node.colexpr === undefined ? "" : ` PATH (${this.visit(node.colexpr, context)})`;
    const otherwise = node.coldefexpr === undefined ? "" : ` DEFAULT (${this.visit(node.coldefexpr, context)})`;
    return `${quoted(node.colname)} ${this.TypeName(node.typeName, context)}${path}${otherwise}${node.is_not_null ? " NOT NULL" : ""}`;
  }

  JsonFuncExpr(node: Part, context: Context): string {
    const passing = this.#passing(node.passing, context);
    const ends = `${this.#output(node.output, context)}${wrapper(node)}${quotes(node)}${this.#behaviours(node, context)}`;
    const name = { JSON_EXISTS_OP: "JSON_EXISTS", JSON_QUERY_OP: "JSON_QUERY", JSON_VALUE_OP: "JSON_VALUE" }[node.op as string];
    return `${name} (${this.#item(node.context_item, context)}, ${this.visit(node.pathspec, context)}${passing}${ends})`;
  }

  JsonTable(node: Part, context: Context): string {
    const { string, name } = node.pathspec;
    const path = `${this.visit(string, context)}${name === undefined ? "" : ` AS ${quoted(name)}`}`;
    const columns = this.#columns(node.columns, context);
    const failing = node.on_error === undefined ? "" : ` ${this.#behaviour(node.on_error, context)} ON ERROR`;
    const alias = node.alias === undefined ? "" : ` ${this.Alias(node.alias, context)}`;
    const lateral = node.lateral ? "LATERAL " : "";
    return `${lateral}JSON_TABLE (${this.#item(node.context_item, context)}, ${path}${this.#passing(node.passing, context)} ${columns}${failing})${alias}`;
  }

  #columns(columns: Part, context: Context): string {
    return `COLUMNS (${columns.map((column: Part) => this.#column(column.JsonTableColumn, context)).join(", ")})`;
  }

  #column(node: Part, context: Context): string {
    const { coltype, name, pathspec } = node;
    const path = pathspec === undefined ? "" : ` ${this.visit(pathspec.string, context)}`;
    if (coltype === "JTC_NESTED")
      return `NESTED PATH${path}${pathspec.name === undefined ? "" : ` AS ${quoted(pathspec.name)}`} ${this.#columns(node.columns, context)}`;
    if (coltype === "JTC_FOR_ORDINALITY") return `${quoted(name)} FOR ORDINALITY`;
    const exists = coltype === "JTC_EXISTS" ? " EXISTS" : "";
    const format = coltype === "JTC_FORMATTED" ? formatOf(node.format) : "";
    const type = `${this.TypeName(node.typeName, context)}${exists}${format}`;
    const more = coltype === "JTC_EXISTS" ? "" : `${wrapper(node)}${quotes(node)}`;
    return `${quoted(name)} ${type}${path === "" ? "" : ` PATH${path}`}${more}${this.#behaviours(node, context)}`;
  }

  #item(node: Part, context: Context): string {
    return `(${this.visit(node.raw_expr, context)})${formatOf(node.format)}`;
  }

  #passing(list: Part, context: Context): string {
    if (list === undefined) return "";
    const items = list.map(({ JsonArgument: { val, name } }: Part) => `${this.#item(val, context)} AS ${quoted(name)}`);
    return ` PASSING ${items.join(", ")}`;
  }

  #output(node: Part, context: Context): string {
    return node === undefined ? "" : ` RETURNING ${this.TypeName(node.typeName, context)}${formatOf(node.returning?.format)}`;
  }

  #behaviours(node: Part, context: Context): string {
    const empty = node.on_empty === undefined ? "" : ` ${this.#behaviour(node.on_empty, context)} ON EMPTY`;
    return `${empty}${node.on_error === undefined ? "" : ` ${this.#behaviour(node.on_error, context)} ON ERROR`}`;
  }

  #behaviour({ btype, expr }: Part, context: Context): string {
    const words = btype.replace("JSON_BEHAVIOR_", "").replaceAll("_", " ");
    return words === "DEFAULT" ? `DEFAULT (${this.visit(expr, context)})` : words;
  }
}

const wrapper = ({ wrapper }: Part): string =>
  ({ JSW_NONE: " WITHOUT WRAPPER", JSW_CONDITIONAL: " WITH CONDITIONAL WRAPPER", JSW_UNCONDITIONAL: " WITH UNCONDITIONAL WRAPPER" })[
    wrapper as string
  ] ?? "";

const quotes = ({ quotes }: Part): string => ({ JS_QUOTES_KEEP: " KEEP QUOTES", JS_QUOTES_OMIT: " OMIT QUOTES" })[quotes as string] ?? "";

function formatOf(format: Part): string {
  if (format?.format_type !== "JS_FORMAT_JSON") return "";
  const encoding = { JS_ENC_UTF8: " ENCODING UTF8", JS_ENC_UTF16: " ENCODING UTF16", JS_ENC_UTF32: " ENCODING UTF32" }[
    format.encoding as string
  ];
  return ` FORMAT JSON${encoding ?? ""}`;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

import { readExpression } from "./expressions.ts";
import { trustedFunctions } from "./functions.ts";
import { isNode, type Node, nodes, text } from "./json.ts";
import { type Reading, type Scope, type Source, Unresolved } from "./scope.ts";

/** Reads files, wherever they are. */
const fileReaders = /^(read_|parquet_|sniff_csv$|glob$|csv_|json_scan|ndjson)/;
const structure = new Set(
  "columns constraints databases dependencies functions indexes keywords schemas sequences tables types views"
    .split(" ")
    .map((name) => `duckdb_${name}`),
);

/** Reads a function in FROM. What it yields has names that only running it would tell. */
export function readTableFunction(node: Node, scope: Scope, reading: Reading): Source {
  const call = node.function;
  if (!isNode(call)) throw new Unresolved("a table function");
  const name = text(call.function_name).toLowerCase();
  // An argument such as `delim = ';'` is written like a comparison of a column.
  for (const argument of nodes(call.children))
    readExpression(isNamedArgument(argument) ? argument.right : argument, scope, reading, "other");
  if (isNode(node.subquery) && isNode(node.subquery.node)) reading.query(node.subquery.node, scope, reading);
  const alias = text(node.alias) || name;
  if (/^(duckdb_|pragma_)/.test(name) && !reading.snapshot.macros.has(name)) {
    const tells = name.includes("secret")
      ? "secrets"
      : structure.has(name) || name === "pragma_table_info" || name === "pragma_show"
        ? "structure"
        : "contents";
    reading.relation({ schema: "main", name, kind: "catalog", tells, access: "read" });
    // Logs and profiles can be set up by it too.
    reading.fn({ name, kind: "table function", trusted: !name.endsWith("_logs_parsed") });
    return { alias, outputs: [], open: true };
  }
  reading.fn({
    name,
    kind: "table function",
    trusted: trustedFunctions.has(name) && !reading.snapshot.macros.has(name),
    ...(fileReaders.test(name) && { set: "files" }),
  });
  return { alias, outputs: [], open: true };
}

function isNamedArgument(argument: Node): boolean {
  return text(argument.type) === "COMPARE_EQUAL" && isNode(argument.left) && text(argument.left.class) === "COLUMN_REF";
}

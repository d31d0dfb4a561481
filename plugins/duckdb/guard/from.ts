import { readExpression } from "./expressions.ts";
import { isNode, type Node, nodes, text, texts } from "./json.ts";
import {
  innerScope,
  isOpen,
  named,
  type Output,
  outwards,
  type Reading,
  reachAll,
  type Scope,
  type Source,
  same,
  type Told,
  Unresolved,
} from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import { readTableFunction } from "./table-function.ts";
import type { Use } from "./uses.ts";

type Reader = (node: Node, scope: Scope, reading: Reading) => void;

const readers: Readonly<Record<string, Reader>> = {
  EMPTY: () => undefined,
  BASE_TABLE: readTable,
  SUBQUERY: readSubquery,
  JOIN: readJoin,
  TABLE_FUNCTION: (node, scope, reading) => scope.sources.push(readTableFunction(node, scope, reading)),
  EXPRESSION_LIST: (node, scope, reading) => {
    for (const row of Array.isArray(node.values) ? node.values : []) readExpression(row, scope, reading, "other");
    const [first] = Array.isArray(node.values) ? node.values : [];
    const width = Array.isArray(first) ? first.length : 0;
    scope.sources.push({
      alias: text(node.alias),
      outputs: columnsNamed(
        Array.from({ length: width }, (_, at) => `col${at}`),
        node,
      ),
    });
  },
  PIVOT: readPivot,
  SHOW_REF: readShow,
};

/** Reads one item of FROM and puts what it offers into the scope. @throws Unresolved for what it does not know */
export function readFrom(node: Node, scope: Scope, reading: Reading): void {
  const read = readers[text(node.type)];
  if (read === undefined) throw new Unresolved(`"${text(node.type)}" in from`);
  read(node, scope, reading);
}

function readTable(node: Node, scope: Scope, reading: Reading): void {
  const name = text(node.table_name);
  const parts = [text(node.catalog_name), text(node.schema_name), name].filter((part) => part !== "");
  const cte =
    parts.length === 1
      ? [...outwards(scope)].map(({ ctes }) => ctes.get(name.toLowerCase())).find((found) => found !== undefined)
      : undefined;
  const alias = text(node.alias) || name;
  if (cte !== undefined) return void scope.sources.push({ alias, outputs: renamed(cte, node) });
  const [schema = "main"] = parts.slice(-2, -1);
  if (["information_schema", "pg_catalog"].includes(schema.toLowerCase()))
    return void scope.sources.push(catalogTable(schema, name, alias, reading));
  if (/^(duckdb_|pragma_|sqlite_)/i.test(name) && reading.snapshot.relation(parts) === undefined)
    return void scope.sources.push(catalogTable("main", name, alias, reading));
  const relation = reading.snapshot.relation(parts);
  if (relation === undefined) throw new Unresolved(`"${parts.join(".")}"`);
  reading.sites.push({ node, relation });
  const through = reading.through.length > 0 ? { through: reading.through } : {};
  reading.relation({ schema: relation.schema, name: relation.name, kind: relation.kind, access: "read", ...through });
  const outputs = relation.kind === "view" ? viewOutputs(relation, reading) : tableOutputs(relation, reading);
  scope.sources.push({ alias, schema: relation.schema, outputs: renamed(outputs, node) });
}

/** Which of the engine's own views tell more than names and types. */
const contents = /secret|setting|log|variables|prepared|external_file|memory|temporary|storage|stat/i;

function catalogTable(schema: string, name: string, alias: string, reading: Reading): Source {
  const tells = /secret/i.test(name) ? "secrets" : contents.test(name) ? "contents" : "structure";
  reading.relation({ schema: schema.toLowerCase(), name: name.toLowerCase(), kind: "catalog", tells, access: "read" });
  return { alias, outputs: [], open: true };
}

function tableOutputs(relation: Relation, reading: Reading): readonly Output[] {
  const direct = reading.through.length === 0;
  const columns = relation.columns.map((column) => ({
    name: column,
    reach: (place: Use["place"], star: boolean, told: Told) => told({ relation, column, place, star: star && direct }),
  }));
  return [...columns, ...["rowid", "filename", "file_row_number"].map((name) => ({ name, reach: () => undefined }))];
}

/** What a view's column is made of is reached when the column is; what the view filters and joins by, always. */
function viewOutputs(relation: Relation, reading: Reading): readonly Output[] {
  const body = reading.bodies.get(relation);
  if (body === undefined) throw new Unresolved(`the view "${relation.name}"`);
  if (reading.through.length > 20) throw new Unresolved("views nested more than 20 deep");
  const inner: Reading = {
    ...reading,
    through: [...reading.through, { schema: relation.schema, name: relation.name }],
    sites: [],
    qualified: [],
  };
  const outputs = reading.lazily(body, undefined, inner);
  const open = outputs.some((output) => output.open);
  return relation.columns.map((name, at) => ({
    name,
    reach: (place, _star, told) => {
      for (const use of (open ? outputs.flatMap(({ uses }) => uses) : outputs[at]?.uses) ?? []) told({ ...use, place, star: false });
    },
  }));
}

function readSubquery(node: Node, scope: Scope, reading: Reading): void {
  const query = isNode(node.subquery) ? node.subquery.node : undefined;
  if (!isNode(query)) throw new Unresolved("a subquery in from");
  const outputs = reading.query(query, scope, reading);
  scope.sources.push({ alias: text(node.alias), outputs: renamed(named(outputs, []), node) });
}

function readJoin(node: Node, scope: Scope, reading: Reading): void {
  if (!isNode(node.left) || !isNode(node.right)) throw new Unresolved("a join");
  reading.join();
  const before = scope.sources.length;
  readFrom(node.left, scope, reading);
  const middle = scope.sources.length;
  readFrom(node.right, scope, reading);
  readExpression(node.condition, scope, reading, "join");
  readExpression(node.duplicate_eliminated_columns, scope, reading, "join");
  const [left, right] = [scope.sources.slice(before, middle), scope.sources.slice(middle)];
  // NATURAL names no column: one that is hidden is not compared.
  const isNatural = text(node.ref_type) === "NATURAL";
  for (const name of isNatural ? commonNames(left, right) : texts(node.using_columns)) {
    for (const side of [left, right]) {
      const found = side.flatMap(({ outputs }) => outputs.filter((output) => same(output.name, name)));
      if (found.length === 0 && !side.some(isOpen)) throw new Unresolved(`"${name}"`);
      for (const output of found) output.reach("join", isNatural, reading.reach);
    }
  }
}

function commonNames(left: readonly Source[], right: readonly Source[]): string[] {
  const names = new Set(right.flatMap(({ outputs }) => outputs.map(({ name }) => name.toLowerCase())));
  return left.flatMap(({ outputs }) => outputs.map(({ name }) => name)).filter((name) => names.has(name.toLowerCase()));
}

/** The names of its columns come from values, so whatever is asked of it is there. */
function readPivot(node: Node, scope: Scope, reading: Reading): void {
  if (!isNode(node.source)) throw new Unresolved("a pivot");
  const inner = innerScope(scope);
  readFrom(node.source, inner, reading);
  reachAll(inner.sources, "other", reading.reach);
  readExpression(node.aggregates, inner, reading, "output");
  for (const pivot of nodes(node.pivots)) {
    readExpression(pivot.pivot_expressions, inner, reading, "group");
    for (const entry of nodes(pivot.entries)) {
      readExpression(entry.expr, inner, reading, "other");
      if (isNode(entry.star_expr)) reachAll(inner.sources, "other", reading.reach);
    }
    if (isNode(pivot.subquery)) reading.query(pivot.subquery, inner, reading);
  }
  scope.sources.push({ alias: text(node.alias), outputs: [], open: true });
}

function readShow(node: Node, scope: Scope, reading: Reading): void {
  if (isNode(node.query)) reading.query(node.query, undefined, reading);
  else if (text(node.table_name) !== "")
    reading.relation({
      schema: "main",
      name: `show ${text(node.table_name).replaceAll('"', "")}`,
      kind: "catalog",
      tells: "structure",
      access: "read",
    });
  scope.sources.push({ alias: text(node.alias), outputs: [], open: true });
}

const renamed = (outputs: readonly Output[], node: Node): readonly Output[] => {
  const aliases = texts(node.column_name_alias);
  return outputs.map((output, at) => (aliases[at] === undefined ? output : { ...output, name: aliases[at] }));
};

const columnsNamed = (names: readonly string[], node: Node): readonly Output[] =>
  renamed(
    names.map((name) => ({ name, reach: () => undefined })),
    node,
  );

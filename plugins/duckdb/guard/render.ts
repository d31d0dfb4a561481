import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../errors/refusal.ts";
import { text as literalText, quoted } from "../sql/quote.ts";
import { loadBodies, type Names, notUnderstood, queryOf, type Read, readStatement } from "./analyze.ts";
import { unquoted, wordsOf } from "./change.ts";
import { fence, mayFail } from "./fence.ts";
import { isNode, type Json, type Node, nodes, readTree, text, texts, writeTree } from "./json.ts";
import { type Site, same } from "./scope.ts";
import type { Relation } from "./snapshot.ts";

/** What turning text into trees, and trees into text, needs of the engine. */
export interface Grammar {
  parse(sql: string): Promise<string | undefined>;
  deparse(tree: string): Promise<string>;
}

/**
 * The text of a query in which every restricted relation is a subselect, views written out. The text is read again and must
 * reach no restricted relation but through those subselects.
 */
export async function renderRestricted(
  read: Read,
  tree: Node,
  names: Names,
  restrictions: readonly RelationRestriction[],
  grammar: Grammar,
): Promise<string> {
  const substituted: Substituted = { trees: new Map(), partial: new Set(), filtered: new Set() };
  for (const restriction of restrictions) {
    const relation = names.snapshot.relation([restriction.schema ?? "main", restriction.name]);
    if (relation === undefined) continue;
    substituted.trees.set(relation, await permittedTree(relation, restriction, names, grammar));
    if (restriction.where.length > 0) substituted.partial.add(relation);
  }
  await nameItems(tree, grammar);
  substitute(read, names, substituted);
  const { filtered } = substituted;
  const query = queryOf(tree);
  if (filtered.size > 0 && (query === undefined || mayFail(query, filtered))) for (const select of filtered) fence(select);
  return grammar.deparse(writeTree(tree));
}

/** What is put in the place of restricted relations. */
interface Substituted {
  readonly trees: Map<Relation, Node>;
  /** The relations of which rows are left out. */
  readonly partial: Set<Relation>;
  /** The queries in the statement that leave them out. */
  readonly filtered: Set<Node>;
}

async function permittedTree(relation: Relation, restriction: RelationRestriction, names: Names, grammar: Grammar): Promise<Node> {
  const text = permitted(relation, restriction);
  const known = names.permitted.get(text);
  if (known !== undefined) return known;
  const json = await grammar.parse(text);
  const tree = json === undefined ? undefined : readTree(json);
  if (tree !== undefined) await loadBodies(tree, names, grammar.parse);
  const query = tree && queryOf(tree);
  const read = query && readStatement(query, names);
  if (query === undefined || read?.analysis.unresolved !== undefined)
    throw refusal(notUnderstood(`the policy's condition for "${relation.name}"`));
  place(read?.sites ?? []);
  if (names.permitted.size >= mostRemembered) names.permitted.clear();
  names.permitted.set(text, query);
  return query;
}

/** Callers with other values see other rows. */
const mostRemembered = 200;

/** A column that has no name is called after its text, and a subquery's text is about to change: it keeps the name it had. */
export async function nameItems(value: Json, grammar: Grammar): Promise<void> {
  if (Array.isArray(value)) for (const each of value) await nameItems(each, grammar);
  if (!isNode(value)) return;
  for (const item of nodes(value.select_list)) {
    if (text(item.alias) !== "" || !holdsClass(item, "SUBQUERY") || holdsClass(item, "STAR")) continue;
    const alone = { statements: [{ node: { ...emptySelect, select_list: [item] }, named_param_map: [] }], error: false };
    item.alias = (await grammar.deparse(writeTree(alone))).replace(/^SELECT /, "");
  }
  for (const part of Object.values(value)) await nameItems(part, grammar);
}

const emptySelect = {
  ...{ type: "SELECT_NODE", modifiers: [], cte_map: { map: [] }, from_table: { type: "EMPTY", alias: "", sample: null } },
  ...{ where_clause: null, group_expressions: [], group_sets: [], aggregate_handling: "STANDARD_HANDLING" },
  ...{ having: null, sample: null, qualify: null },
};

const holdsClass = (value: Json, name: string): boolean =>
  Array.isArray(value)
    ? value.some((each) => holdsClass(each, name))
    : isNode(value) && (value.class === name || Object.values(value).some((part) => holdsClass(part, name)));

function substitute({ sites, qualified }: Read, names: Names, substituted: Substituted): void {
  for (const { node, relation } of sites) {
    const permitted = copy(substituted.trees.get(relation));
    if (permitted !== undefined && substituted.partial.has(relation)) substituted.filtered.add(permitted);
    const query = permitted ?? (relation.kind === "view" ? viewBody(relation, names, substituted) : undefined);
    if (query === undefined) continue;
    if (permitted !== undefined && relation.kind === "view") writeOut(permitted, relation, names, substituted);
    const aliases = texts(node.column_name_alias);
    const columns = permitted === undefined ? relation.columns.map((name, at) => aliases[at] ?? name) : aliases;
    const { alias, sample } = node;
    for (const key of Object.keys(node)) delete node[key];
    Object.assign(node, { type: "SUBQUERY", alias: text(alias) || relation.name, subquery: { node: query } });
    if (columns.length > 0) node.column_name_alias = columns;
    if (isNode(sample)) node.sample = sample;
  }
  // A subselect has an alias and no schema.
  for (const reference of qualified) {
    const parts = texts(reference.column_names);
    const owner = sites.find(({ relation }) => parts.length > 2 && same(relation.schema, parts.at(-3) ?? ""));
    if (owner !== undefined) reference.column_names = parts.slice(-2);
  }
}

/** Puts a view's body where the permitted part of it names the view, when the view reads something that is restricted too. */
function writeOut(permitted: Node, view: Relation, names: Names, substituted: Substituted): void {
  const body = viewBody(view, names, substituted);
  if (body === undefined) return;
  const [own] = readStatement(permitted, names).sites.filter(({ relation }) => relation === view);
  if (own === undefined) return;
  const { node } = own;
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, { type: "SUBQUERY", alias: view.name, subquery: { node: body }, column_name_alias: [...view.columns] });
}

/** A view over something restricted is written out; others stay. */
function viewBody(relation: Relation, names: Names, substituted: Substituted): Node | undefined {
  const body = copy(names.bodies.get(relation));
  if (body === undefined) return undefined;
  const read = readStatement(body, names);
  const restricted = read.analysis.relations.some(({ schema, name }) =>
    [...substituted.trees.keys()].some((known) => known.name === name && known.schema === schema),
  );
  if (!restricted) return undefined;
  substitute(read, names, substituted);
  place(read.sites);
  return body;
}

/** What is put into a statement may not meet its common table expressions: every table that stays is named in full. */
function place(sites: readonly Site[]): void {
  for (const { node, relation } of sites)
    if (node.type === "BASE_TABLE") Object.assign(node, { catalog_name: relation.database, schema_name: relation.schema });
}

const copy = (node: Node | undefined): Node | undefined => (node === undefined ? undefined : (JSON.parse(JSON.stringify(node)) as Node));

/** The part of a relation that may be seen, as a query. */
function permitted(relation: Relation, { hidden, masks, where, values, salt = "" }: RelationRestriction): string {
  const telling = tellingOf(relation, [...hidden, ...masks.map(({ column }) => column)]);
  const columns = relation.columns.flatMap((name, at) => {
    if (hidden.some((column) => same(column, name))) return [];
    const form = masks.find(({ column }) => same(column, name))?.form ?? (telling.has(name.toLowerCase()) ? "redact" : undefined);
    if (form === undefined) return [quoted(name)];
    return [
      `${typeof form === "string" ? masked(quoted(name), relation.types[at] ?? "", form, salt) : `(${form.sql})`} AS ${quoted(name)}`,
    ];
  });
  const conditions = where.map((condition) => `(${filled(condition, values)})`);
  const from = [relation.database, relation.schema, relation.name].map(quoted).join(".");
  return `SELECT ${columns.join(", ") || "NULL AS hidden"} FROM ${from}${conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : ""}`;
}

/** Names of all columns that tell of one of `columns`: these and what is computed from them. In lower case. */
function tellingOf({ columns, defaults }: Relation, restricted: readonly string[]): Set<string> {
  const telling = new Set(restricted.map((column) => column.toLowerCase()));
  const computed = columns.flatMap((name, at) => {
    const from = defaults[at];
    return from ? [{ name: name.toLowerCase(), from: wordsOf(from).map((word) => unquoted(word).toLowerCase()) }] : [];
  });
  for (let grown = true; grown; ) {
    const more = computed.filter(({ name, from }) => !telling.has(name) && from.some((each) => telling.has(each)));
    for (const { name } of more) telling.add(name);
    grown = more.length > 0;
  }
  return telling;
}

/** A mask keeps a column's type wherever it can, so that what is computed from it still works. */
function masked(column: string, type: string, form: Exclude<MaskForm, object>, salt: string): string {
  const isText = type === "VARCHAR";
  if (form === "null" || (!isText && form !== "hash")) return `CAST(NULL AS ${type})`;
  if (form === "redact") return "'***'";
  if (form === "hash")
    return `(CASE WHEN ${column} IS NULL THEN NULL ELSE substr(sha256(concat(${literalText(salt)}, CAST(${column} AS VARCHAR))), 1, 16) END)`;
  return `(CASE WHEN ${column} IS NULL THEN NULL WHEN length(${column}) > 4 THEN concat(substr(${column}, 1, 1), '***') ELSE '***' END)`;
}

/** Puts values into a condition. A name in a literal is no placeholder. */
function filled(condition: string, values: Readonly<Record<string, Value>>): string {
  return condition.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|::|:([A-Za-z_]\w*)/g, (token, name: string | undefined) => {
    if (name === undefined) return token;
    const value = values[name];
    return typeof value === "number" || typeof value === "bigint" ? String(value) : literalText(String(value ?? ""));
  });
}

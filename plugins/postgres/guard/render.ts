import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { refusal } from "../refusal.ts";
import { type Names, notUnderstood, readStatement } from "./analyze.ts";
import { type Narrowed, narrowed, permitted } from "./masks.ts";
import { above, below } from "./relations.ts";
import type { Reading, Site } from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import { as, copy, isNode, type Json, list, type Node, text } from "./tree.ts";

/** Reads one query of a text. */
export type ReadQuery = (sql: string) => Promise<Node | undefined>;

interface Rendering {
  readonly names: Names;
  readonly restricted: ReadonlyMap<Relation, RelationRestriction>;
  readonly query: ReadQuery;
  /** The tables that subselects of our own read. */
  readonly placed: Set<Node>;
}

/**
 * Changes a statement's tree so that every restricted relation is a subselect, views over one written out. Then the tree is read
 * again: no restricted relation may be reached but in those subselects.
 */
export async function restrict(
  statement: Node,
  names: Names,
  restrictions: readonly RelationRestriction[],
  query: ReadQuery,
): Promise<void> {
  const restricted = new Map<Relation, RelationRestriction>();
  for (const restriction of restrictions) {
    const { schema, name } = restriction;
    const relation = names.snapshot.relation(schema === undefined ? [name] : [schema, name]);
    if (relation?.kind === "view")
      throw refusal({
        code: "UNSUPPORTED",
        message: `The policy masks or filters the view "${name}" itself, and the driver can do so with tables only`,
        hint: "Have the rule name the tables the view reads",
      });
    if (relation !== undefined) restricted.set(relation, restriction);
  }
  const rendering: Rendering = { names, restricted, query, placed: new Set() };
  await substitute(readOrRefuse(statement, names), rendering, false);
  const again = readOrRefuse(statement, names);
  const missed = again.sites.find(
    ({ node, relation }) => rules(relation, tableIn(node).inh === true, restricted).length > 0 && !rendering.placed.has(node),
  );
  if (missed !== undefined) throw refusal(notUnderstood(`"${missed.relation.name}" under its restrictions`));
}

function readOrRefuse(statement: Node, names: Names): { readonly sites: readonly Site[]; readonly qualified: Reading["qualified"] } {
  const read = readStatement(statement, "", "", names);
  if (read === undefined) throw refusal(notUnderstood("this kind of statement"));
  if (read.analysis.unresolved !== undefined) throw refusal(read.analysis.unresolved);
  return read;
}

async function substitute(
  { sites, qualified }: { readonly sites: readonly Site[]; readonly qualified: Reading["qualified"] },
  rendering: Rendering,
  inView: boolean,
): Promise<void> {
  const done = new Set<Site>();
  for (const site of sites) {
    const query = site.relation.kind === "table" ? await tableQuery(site, rendering, inView) : await viewQuery(site, rendering);
    if (query === undefined) continue;
    done.add(site);
    const { hidden, node, alias } = query;
    const columns = columnNames(site, alias, inView ? new Set() : hidden);
    for (const key of Object.keys(site.node)) delete site.node[key];
    const named = { aliasname: text(alias.aliasname) || site.relation.name, ...(columns.length > 0 && { colnames: columns }) };
    site.node.RangeSubselect = { subquery: { SelectStmt: node }, alias: named };
  }
  // A subselect has an alias and no schema.
  for (const { node, site } of qualified) if (done.has(site)) node.fields = list(node.fields).slice(-2);
}

interface Query {
  readonly node: Node;
  readonly alias: Node;
  readonly hidden: ReadonlySet<string>;
}

/** The columns of a view have the names it was made with; those of a table have their own unless the statement lists others. */
function columnNames({ relation }: Site, alias: Node, hidden: ReadonlySet<string>): Json[] {
  const given = list(alias.colnames);
  if (relation.kind === "table") return given.filter((_, at) => !hidden.has(relation.columns[at] ?? ""));
  return relation.columns.map((name, at) => given[at] ?? { String: { sval: name } });
}

/** The restrictions that the rows of a relation are under: its own, those of what it is a part of, and those of what is read with it. */
function rules(relation: Relation, inherits: boolean, restricted: Rendering["restricted"]): RelationRestriction[] {
  if (relation.kind !== "table") return [];
  const all = new Set([relation, ...above(relation), ...(inherits ? below(relation) : [])]);
  return [...all].flatMap((each) => restricted.get(each) ?? []);
}

const tableIn = (node: Node): Node => as("RangeVar", node) ?? as("RangeVar", as("RangeTableSample", node)?.relation) ?? {};

async function tableQuery(
  { node, relation }: Site,
  { names, restricted, query, placed }: Rendering,
  inView: boolean,
): Promise<Query | undefined> {
  const sample = as("RangeTableSample", node);
  const table = tableIn(node);
  const own = rules(relation, table.inh === true, restricted);
  if (own.length === 0) return undefined;
  const narrow: Narrowed = narrowed(own);
  const known = await query(permitted(relation, narrow, inView, names.snapshot));
  if (known === undefined) throw refusal(notUnderstood(`the policy's condition for "${relation.name}"`));
  const select = copy(known);
  const { alias, ...bare } = table;
  const wrapped: Node = { RangeVar: bare };
  const place: Node = sample === undefined ? wrapped : { RangeTableSample: { ...sample, relation: wrapped } };
  // By its full name, so that no WITH of the statement can stand in for it.
  Object.assign(bare, { schemaname: relation.schema, relname: relation.name });
  select.fromClause = [place];
  placed.add(place);
  return { node: select, alias: isNode(alias) ? alias : {}, hidden: narrow.hidden };
}

/** A view over something restricted is written out; others stay. */
async function viewQuery({ node, relation }: Site, rendering: Rendering): Promise<Query | undefined> {
  const body = rendering.names.bodies.get(relation);
  if (body === undefined || relation.kind === "catalog") return undefined;
  const statement: Node = { SelectStmt: copy(body) };
  const read = readStatement(statement, "", "", rendering.names);
  if (read === undefined || read.analysis.unresolved !== undefined) throw refusal(notUnderstood(`the view "${relation.name}"`));
  const reached = [...rendering.restricted].filter(([{ schema, name }]) =>
    read.analysis.relations.some((use) => use.schema === schema && use.name === name),
  );
  if (reached.length === 0) return undefined;
  if (relation.kind === "materialized view") {
    if (reached.every((each) => isUntouched(each, read.analysis.columns))) return undefined;
    throw refusal({
      code: "POLICY_DENIED",
      message: `The rows of the materialized view "${relation.name}" were made from what is restricted for you`,
      hint: "Ask the tables it was made from",
    });
  }
  await substitute(read, rendering, true);
  const { alias } = as("RangeVar", node) ?? {};
  return { node: as("SelectStmt", statement) ?? {}, alias: isNode(alias) ? alias : {}, hidden: new Set() };
}

/** True when all rows may be seen, and none of the columns that were used is masked or hidden. */
function isUntouched(
  [relation, { where, hidden, masks }]: readonly [Relation, RelationRestriction],
  columns: readonly { readonly schema?: string; readonly table: string; readonly column: string }[],
): boolean {
  const kept = new Set([...hidden, ...masks.map(({ column }) => column)]);
  return (
    where.length === 0 &&
    !columns.some(({ schema, table, column }) => schema === relation.schema && table === relation.name && kept.has(column))
  );
}

import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { refusal } from "../refusal.ts";
import { type Names, notUnderstood, type Read, readStatement } from "./analyze.ts";
import { copied } from "./copies.ts";
import { fence, mayFail } from "./fence.ts";
import { completeGroups, type Stand } from "./grouping.ts";
import { narrowed, permitted } from "./masks.ts";
import { above, below, family } from "./relations.ts";
import type { Site } from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import { as, copy, isNode, list, type Node, text } from "./tree.ts";

/** Reads one query of a text. */
export type ReadQuery = (sql: string) => Promise<Node | undefined>;

interface Rendering {
  readonly names: Names;
  readonly restricted: ReadonlyMap<Relation, RelationRestriction>;
  readonly query: ReadQuery;
  /** The relations that texts of our own and of the policy's read. */
  readonly placed: Set<Node>;
  /** The tables that subselects stand for. */
  readonly stands: Map<Node, Stand>;
  /** The queries of ours that leave rows out. */
  readonly filtered: Set<Node>;
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
    if (relation !== undefined) restricted.set(relation, restriction);
  }
  const rendering: Rendering = { names, restricted, query, placed: new Set(), stands: new Map(), filtered: new Set() };
  const read = readOrRefuse(statement, names);
  for (const row of read.rows) refuseRows(row, rendering);
  await substitute(read, rendering, false);
  completeGroups(statement, rendering.stands);
  if (mayFail(as("SelectStmt", statement) ?? statement, rendering.filtered)) for (const select of rendering.filtered) fence(select);
  const again = readOrRefuse(statement, names);
  const missed = again.sites.find(
    ({ node, relation }) => rules(relation, tableIn(node).inh === true, restricted).length > 0 && !rendering.placed.has(node),
  );
  if (missed !== undefined) throw refusal(notUnderstood(`"${missed.relation.name}" under its restrictions`));
}

/** A type tells what columns there are. */
function refuseRows(relation: Relation, { restricted }: Rendering): void {
  const narrow = narrowed(rules(relation, true, restricted), family(relation));
  if (narrow.hidden.size === 0 && narrow.masks.size === 0) return;
  throw refusal({
    code: "POLICY_DENIED",
    message: `Columns of "${relation.name}" are masked or hidden for you, and its rows cannot be used as a type`,
    hint: "Name the columns that are wanted",
  });
}

type Named = Pick<Read, "sites" | "qualified">;

function readOrRefuse(statement: Node, names: Names): Read {
  const read = readStatement(statement, "", "", names);
  if (read === undefined) throw refusal(notUnderstood("this kind of statement"));
  if (read.analysis.unresolved !== undefined) throw refusal(read.analysis.unresolved);
  return read;
}

async function substitute({ sites, qualified }: Named, rendering: Rendering, inView: boolean): Promise<void> {
  const done = new Set<Node>();
  for (const { node, relation } of sites) {
    const found = await bodyQuery(relation, rendering);
    const [body, made] = found !== undefined && "hidden" in found ? [undefined, [found]] : [found, []];
    const own = [...made, ...rules(relation, tableIn(node).inh === true, rendering.restricted)];
    const query = own.length === 0 ? body : await permittedQuery({ node, relation }, { own, body, inView }, rendering);
    if (query === undefined) continue;
    done.add(node);
    const { alias } = tableIn(node);
    place(node, query, isNode(alias) ? alias : {}, relation);
    const stand = as("RangeSubselect", node);
    if (query.stand !== undefined && stand !== undefined) rendering.stands.set(stand, query.stand);
  }
  trim(qualified, done);
}

/** A subselect has an alias and no schema. */
function trim(qualified: Named["qualified"], done: ReadonlySet<Node>): void {
  for (const { node, site } of qualified) if (done.has(site.node)) node.fields = list(node.fields).slice(-2);
}

/** A query in the place of a relation: without a list of columns it has those that it gives. */
interface Query {
  readonly select: Node;
  readonly columns?: readonly string[];
  readonly stand?: Stand;
}

/** Puts a query where a relation was named. The statement's own list of columns is about those that are there for the caller. */
function place(node: Node, { select, columns = [] }: Query, alias: Node, relation: Relation): void {
  const given = list(alias.colnames);
  const listed = columns.length === 0 ? given : columns.map((name, at) => given[at] ?? { String: { sval: name } });
  for (const key of Object.keys(node)) delete node[key];
  node.RangeSubselect = {
    subquery: { SelectStmt: select },
    alias: { aliasname: text(alias.aliasname) || relation.name, ...(listed.length > 0 && { colnames: listed }) },
  };
}

/** The restrictions that the rows of a relation are under: its own, those of what it is a part of, and those of what is read with it. */
function rules(relation: Relation, inherits: boolean, restricted: Rendering["restricted"]): RelationRestriction[] {
  const all = new Set([relation, ...above(relation), ...(inherits ? below(relation) : [])]);
  return [...all].flatMap((each) => restricted.get(each) ?? []);
}

const tableIn = (node: Node): Node => as("RangeVar", node) ?? as("RangeVar", as("RangeTableSample", node)?.relation) ?? {};

interface Ruled {
  readonly own: readonly RelationRestriction[];
  /** Of a view that is written out. */
  readonly body: Query | undefined;
  readonly inView: boolean;
}

/** What may be seen of a relation. */
async function permittedQuery(
  { node, relation }: Site,
  { own, body, inView }: Ruled,
  { names, query, placed, filtered }: Rendering,
): Promise<Query> {
  const narrow = narrowed(own, family(relation));
  const known = await query(permitted(relation, narrow, inView, names.snapshot));
  if (known === undefined || isNode(known.larg)) throw refusal(notUnderstood(`the policy's condition for "${relation.name}"`));
  const select = copy(known);
  // Read by itself: nothing of the statement around it is what the policy meant.
  const read = readStatement({ SelectStmt: select }, "", "", names);
  const from = list(select.fromClause)[0];
  const flaw = read?.analysis.unresolved?.message;
  if (read === undefined || flaw !== undefined || !isNode(from))
    throw refusal(notUnderstood(`the policy's condition for "${relation.name}"`), flaw === undefined ? undefined : new Error(flaw));
  nameInFull(read.sites, placed);
  if (body !== undefined) {
    place(from, body, {}, relation);
    trim(read.qualified, new Set([from]));
  } else select.fromClause = [sampled(node, from, placed)];
  if (narrow.where.length > 0) filtered.add(select);
  const given = relation.columns.filter((name) => inView || !narrow.hidden.has(name));
  return { select, stand: { relation, given, changed: new Set([...narrow.hidden, ...narrow.masks.keys()]) } };
}

/** What is put into a statement may not meet its WITH: every relation is named with its schema. */
function nameInFull(sites: readonly Site[], placed: Set<Node>): void {
  for (const { node, relation } of sites) {
    Object.assign(tableIn(node), { schemaname: relation.schema, relname: relation.name });
    placed.add(node);
  }
}

/** The same as the statement reads of a table: without its children, or a part of its rows. */
function sampled(node: Node, from: Node, placed: Set<Node>): Node {
  const table = as("RangeVar", from);
  // What is false is left out.
  if (table !== undefined && tableIn(node).inh !== true) delete table.inh;
  const sample = as("RangeTableSample", node);
  if (sample === undefined) return from;
  const all: Node = { RangeTableSample: { ...sample, relation: from } };
  placed.add(all);
  return all;
}

/** A view over something restricted is written out, and a materialized one restricted itself; others stay. */
async function bodyQuery(relation: Relation, rendering: Rendering): Promise<Query | RelationRestriction | undefined> {
  const body = rendering.names.bodies.get(relation);
  if (body === undefined || relation.kind === "catalog") return undefined;
  const statement: Node = { SelectStmt: copy(body) };
  const read = readStatement(statement, "", "", rendering.names);
  if (read === undefined || read.analysis.unresolved !== undefined) throw refusal(notUnderstood(`the view "${relation.name}"`));
  const reached = new Map(
    [...rendering.restricted].filter(([{ schema, name }]) =>
      read.analysis.relations.some((use) => use.schema === schema && use.name === name),
    ),
  );
  if (reached.size === 0) return undefined;
  if (relation.kind === "materialized view") return copied(relation, body, reached, rendering.names);
  await substitute(read, rendering, true);
  nameInFull(
    read.sites.filter(({ node }) => as("RangeSubselect", node) === undefined),
    new Set(),
  );
  return { select: as("SelectStmt", statement) ?? {}, columns: relation.columns };
}

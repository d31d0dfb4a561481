import type { Analysis } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { isChange, readReturning } from "./change.ts";
import { readLazily, readQuery } from "./query.ts";
import { emptyScope, Missing, type Reading, type Result, type Site, Unresolved } from "./scope.ts";
import type { Relation, Snapshot } from "./snapshot.ts";
import { as, collect, isNode, type Json, type Node, nodes, opened, text } from "./tree.ts";
import { unaskedUses } from "./trust.ts";
import { createUses, type Use, type Uses } from "./uses.ts";
import { isOpaque, readUtility } from "./utility.ts";

/** What is known of an engine's names, and the trees of the views that were looked at. */
export interface Names {
  readonly snapshot: Snapshot;
  readonly bodies: ReadonlyMap<Relation, Node>;
}

/** A statement that was read: what it reaches, and where its tree names tables. */
export interface Read {
  readonly analysis: Analysis;
  readonly sites: readonly Site[];
  readonly qualified: Reading["qualified"];
  /** The relations whose rows are named as a type. */
  readonly rows: ReadonlySet<Relation>;
}

/** Reads one statement of a tree. `undefined` for what runs text that nobody looks into. The trees of the views it reaches must be known. */
export function readStatement(statement: Node, verb: string, fingerprint: string, { snapshot, bodies }: Names): Read | undefined {
  const [kind, node] = opened(statement) ?? ["", {}];
  if (kind === "ExplainStmt") return isNode(node.query) ? readStatement(node.query, verb, fingerprint, { snapshot, bodies }) : undefined;
  if (isOpaque(kind)) return undefined;
  const uses = createUses();
  const reading = createReading(statement, { snapshot, bodies }, uses, uses.add);
  const unresolved = attempt(() => {
    readKind(kind, node, reading);
    checkAllRead(reading, kind);
    for (const use of unaskedUses(snapshot, uses.types, reading.named)) uses.fn(use);
  });
  const { relations, columns, functions } = uses;
  const { deepest, joins, recursive } = reading.seen;
  const analysis: Analysis = {
    ...{ verb: verbs[kind] ?? verb, relations, columns, functions, fingerprint },
    complexity: { relations: relations.length, joins, depth: deepest, recursive },
    ...(changesAll(statement) && { everyRow: true }),
    ...(unresolved !== undefined && { unresolved }),
  };
  return { analysis, sites: reading.sites, qualified: reading.qualified, rows: reading.rows };
}

function createReading(root: Node, { snapshot, bodies }: Names, uses: Uses, reach: Reading["reach"]): Reading {
  return {
    ...{ snapshot, bodies, reach, relation: uses.relation, fn: uses.fn, through: [], sites: [], qualified: [] },
    ...{ read: new Set<Node>(), roots: new Set([root]), named: new Set<number>(), rows: new Set<Relation>() },
    seen: { depth: 0, deepest: 0, joins: 0, recursive: false },
  };
}

/** What the columns of a query are made of, by their order, and what else of it has influence; `undefined` where that is not known. */
export function lineage(
  body: Node,
  names: Names,
): { readonly columns: readonly (readonly Use[])[]; readonly always: readonly Use[] } | undefined {
  const always: Use[] = [];
  const reading = createReading(body, names, createUses(), (use) => void always.push(use));
  const found: { result?: Result } = {};
  const unresolved = attempt(() => {
    found.result = readLazily(body, undefined, reading);
  });
  if (unresolved !== undefined || found.result === undefined || found.result.open) return undefined;
  const columns = found.result.outputs.map(({ uses }) => uses);
  return { columns, always: leavesOutTwins(body) ? [...always, ...columns.flat()] : always };
}

/** True where rows are left out because there is another like them: `distinct`, or a set operation that is not over all. */
function leavesOutTwins(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(leavesOutTwins);
  if (!isNode(value)) return false;
  return value.distinctClause !== undefined || (isNode(value.larg) && value.all !== true) || Object.values(value).some(leavesOutTwins);
}

const verbs: Readonly<Record<string, string>> = {
  ...{ SelectStmt: "select", InsertStmt: "insert", UpdateStmt: "update", DeleteStmt: "delete", MergeStmt: "merge" },
};

function readKind(kind: string, node: Node, reading: Reading): void {
  if (kind === "SelectStmt") {
    readQuery(node, undefined, reading);
    // They name what is locked of FROM.
    for (const locked of collect(node.lockingClause, new Set(["RangeVar"]))) reading.read.add(locked);
  } else if (isChange(kind)) readReturning(kind, node, emptyScope(), reading);
  else readUtility(kind, node, reading);
}

/** Kinds of nodes through which anything is reached. */
const telling: ReadonlySet<string> = new Set(["ColumnRef", "RangeVar", "FuncCall", "A_Expr", "SubLink", "TypeCast", "SelectStmt"]);

/** A second look at the whole tree: what no reader came to may reach anything. */
function checkAllRead({ read, roots }: Reading, kind: string): void {
  if (verbs[kind] === undefined) return;
  for (const root of roots) {
    const missed = collect(root, telling).find((node) => !read.has(node));
    if (missed !== undefined) throw new Unresolved("a part of the statement");
  }
}

/** An update or delete, at the top or in WITH, that no condition limits; or a truncate. */
function changesAll(statement: Node): boolean {
  const changes = collect(statement, new Set(["UpdateStmt", "DeleteStmt"]));
  return as("TruncateStmt", statement) !== undefined || changes.some(({ whereClause }) => whereClause === undefined);
}

function attempt(work: () => void): Diagnosis | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Missing)
      return {
        code: "SQL_INVALID",
        message: error.message,
        missing: error.missing,
        missingKind: "column",
        hint: "Look at what is with inspect",
      };
    if (error instanceof Unresolved) return notUnderstood(error.message);
    if (error instanceof RangeError) return notUnderstood("a statement nested this deeply");
    throw error;
  }
}

export const notUnderstood = (what: string): Diagnosis => ({
  code: "POLICY_DENIED",
  message: `Cannot tell what ${what} reaches, so the statement is not run`,
  hint: "Write the statement in a simpler way",
});

/** The views that a tree may reach, and that have not been looked at. Names of WITH are among them, which does no harm. */
export function unreadViews(tree: Json, { snapshot, bodies }: Names): Relation[] {
  const found = new Set<Relation>();
  for (const parts of tablesIn(tree)) {
    const relation = snapshot.relation(parts);
    if (relation !== undefined && /view/.test(relation.kind) && !bodies.has(relation)) found.add(relation);
  }
  return [...found];
}

function tablesIn(value: Json | undefined): string[][] {
  if (Array.isArray(value)) return value.flatMap(tablesIn);
  if (!isNode(value)) return [];
  const own = typeof value.relname === "string" ? [[text(value.schemaname), value.relname].filter((part) => part !== "")] : [];
  return [...own, ...Object.values(value).flatMap((part) => (typeof part === "object" ? tablesIn(part) : []))];
}

/** The statements of a tree. */
export const statementsIn = (tree: string): Node[] => statementsOfRoot(JSON.parse(tree) as Node);

export function statementsOfRoot(root: Node): Node[] {
  return nodes(root.stmts).flatMap(({ stmt }) => (isNode(stmt) ? [stmt] : []));
}

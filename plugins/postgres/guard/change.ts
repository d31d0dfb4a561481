import type { RelationAccess } from "../../../core/contract/analysis.ts";
import { readCtes } from "./ctes.ts";
import { readExpression } from "./expressions.ts";
import { aliasOf, readFrom, relationNamed } from "./from.ts";
import { readItems, readSubquery } from "./query.ts";
import { relationOutputs, tellRelation } from "./relations.ts";
import { emptyScope, type Reading, type Result, type Scope, type Source, Unresolved } from "./scope.ts";
import type { Relation } from "./snapshot.ts";
import { as, isNode, type Json, list, type Node, nodes, text } from "./tree.ts";

interface Target {
  readonly relation: Relation;
  readonly source: Source;
}

type Reader = (node: Node, target: Target, scope: Scope, reading: Reading) => Scope;

const readers: Readonly<Record<string, readonly [RelationAccess, Reader]>> = {
  InsertStmt: ["insert", readInsert],
  UpdateStmt: ["update", readUpdate],
  DeleteStmt: ["delete", readDelete],
  MergeStmt: ["update", readMerge],
};

export const isChange = (kind: string): boolean => Object.hasOwn(readers, kind);

/** Reads what changes rows: what it changes, what it reads, and what RETURNING gives. */
export function readReturning(kind: string, node: Node, outer: Scope | undefined, reading: Reading): Result {
  const [access, read] = readers[kind] ?? [];
  if (access === undefined || read === undefined || !isNode(node.relation)) throw new Unresolved(`a query of kind ${kind}`);
  const { ctes, close } = readCtes(node.withClause, emptyScope(outer), reading);
  const scope: Scope = { ...emptyScope(outer), ctes };
  const target = targetOf(node.relation, access, reading);
  if (kind === "MergeStmt") for (const each of ["insert", "delete"] as const) tellRelation(target.relation, false, reading, each);
  const visible = read(node, target, scope, reading);
  const returned = isNode(node.returningClause) ? list(node.returningClause.exprs) : list(node.returningList);
  if (returned.length > 0 || node.whereClause !== undefined || kind === "MergeStmt") tellRelation(target.relation, false, reading);
  const images = ["old", "new"].map((alias): Source => ({ ...target.source, alias, qualified: true }));
  const result = readItems(returned, { ...visible, sources: [...visible.sources, ...images] }, reading);
  for (const { uses } of result.outputs) for (const use of uses) reading.reach(use);
  close();
  return result;
}

/** What is changed through a view is changed in the tables below it. */
function targetOf(node: Node, access: RelationAccess, reading: Reading): Target {
  const relation = relationNamed(node, reading);
  const inherits = node.inh === true && access !== "insert";
  tellRelation(relation, inherits, reading, access);
  const below: Reading = {
    ...reading,
    relation(use) {
      reading.relation(use);
      if (use.kind === "table") reading.relation({ ...use, access });
    },
  };
  return { relation, source: { alias: aliasOf(node) || relation.name, outputs: relationOutputs(relation, inherits, below), system: true } };
}

function reachWritten({ source }: Target, columns: Json | undefined, reading: Reading): void {
  const named = nodes(columns).map((item) => text(as("ResTarget", item)?.name));
  for (const output of source.outputs) {
    if (columns === undefined) output.reach("other", true, reading.reach);
    else if (named.includes(output.name)) output.reach("other", false, reading.reach);
  }
}

const withSource = (scope: Scope, ...sources: readonly Source[]): Scope => ({
  ...scope,
  sources,
  star: sources.flatMap(({ outputs }) => outputs),
});

function readInsert(node: Node, target: Target, scope: Scope, reading: Reading): Scope {
  reachWritten(target, node.cols, reading);
  readIndirections(node.cols, scope, reading);
  if (node.selectStmt !== undefined) readSubquery(node.selectStmt, scope, reading);
  const visible = withSource(scope, target.source);
  const conflict = node.onConflictClause;
  if (isNode(conflict)) {
    const both: Scope = { ...visible, sources: [target.source, { ...target.source, alias: "excluded", qualified: true }] };
    if (isNode(conflict.infer)) {
      for (const element of nodes(conflict.infer.indexElems)) {
        const index = as("IndexElem", element);
        const column = target.source.outputs.find(({ name }) => name === text(index?.name));
        column?.reach("other", false, reading.reach);
        readExpression(index?.expr, visible, reading, "other");
      }
      readExpression(conflict.infer.whereClause, visible, reading, "filter");
    }
    if (conflict.targetList !== undefined) tellRelation(target.relation, false, reading, "update");
    reachSet(conflict.targetList, target, both, reading);
    readExpression(conflict.whereClause, both, reading, "filter");
  }
  return visible;
}

function readUpdate(node: Node, target: Target, scope: Scope, reading: Reading): Scope {
  const from = readFrom(list(node.fromClause), { ...scope, sources: [] }, reading);
  const visible = withSource(scope, target.source, ...from.sources);
  reachSet(node.targetList, target, visible, reading);
  readExpression(node.whereClause, visible, reading, "filter");
  return visible;
}

function reachSet(items: Json | undefined, target: Target, scope: Scope, reading: Reading): void {
  reachWritten(target, items ?? [], reading);
  readIndirections(items, scope, reading);
  for (const item of nodes(items)) {
    const value = as("ResTarget", item)?.val;
    // `set (a, b) = (…)` holds its source once for each column.
    const several = as("MultiAssignRef", value);
    readExpression(several === undefined ? value : several.source, scope, reading, "other");
  }
}

/** `set a[1] = …` */
function readIndirections(items: Json | undefined, scope: Scope, reading: Reading): void {
  for (const item of nodes(items))
    for (const step of list(as("ResTarget", item)?.indirection)) if (as("A_Indices", step)) readExpression(step, scope, reading, "other");
}

function readDelete(node: Node, target: Target, scope: Scope, reading: Reading): Scope {
  const using = readFrom(list(node.usingClause), scope, reading);
  const visible = withSource(scope, target.source, ...using.sources);
  readExpression(node.whereClause, visible, reading, "filter");
  return visible;
}

function readMerge(node: Node, target: Target, scope: Scope, reading: Reading): Scope {
  const from = readFrom([node.sourceRelation ?? null], scope, reading);
  const visible = withSource(scope, target.source, ...from.sources);
  readExpression(node.joinCondition, visible, reading, "join");
  for (const item of nodes(node.mergeWhenClauses)) {
    const when = as("MergeWhenClause", item) ?? {};
    readExpression(when.condition, visible, reading, "filter");
    reachSet(when.targetList, target, visible, reading);
    readExpression(when.values, visible, reading, "other");
  }
  return visible;
}

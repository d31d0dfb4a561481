import type { RelationAccess, RelationUse } from "../../../core/contract/analysis.ts";
import { resolveAll, resolveExpression } from "./expressions.ts";
import { resolveFrom, resolveTable } from "./from.ts";
import type { Token } from "./lexer.ts";
import type { Assignment, Change, Insert, Modify } from "./parse-change.ts";
import { resolveCtes, resolveQuery } from "./query.ts";
import { innerScope, type Reading, type Scope, type Site, type Source, same, sameTable } from "./scope.ts";
import { Missing, Unresolved } from "./unresolved.ts";

/** Reads a statement that changes rows: what it changes, and what it reads for that. */
export function resolveChange(change: Change, reading: Reading): void {
  const scope = innerScope(undefined);
  resolveCtes(change, scope, reading);
  if ("table" in change) resolveInsert(change, scope, reading);
  else resolveModify(change, scope, reading);
  for (const { expression } of change.returning) resolveExpression(expression, scope, reading, "output");
}

function resolveInsert(change: Insert, outer: Scope, reading: Reading): void {
  const { table, columns, rows, query, assigned, updated, alias } = change;
  const written = new Map<string, RelationUse>();
  const target = resolveTable(table, innerScope(undefined), { ...reading, relation: (use) => void written.set(JSON.stringify(use), use) });
  const accesses: RelationAccess[] = ["insert"];
  if (change.verb === "replace") accesses.push("delete");
  if (updated.length > 0) accesses.push("update");
  for (const access of accesses) for (const use of written.values()) reading.relation({ ...use, access });
  mark(target.site, reading);
  reachColumns(target, columns, reading);
  outer.sources.push(target, ...(alias === undefined ? [] : [{ ...target, alias }]));
  for (const row of rows) resolveAll(row, outer, reading, "other");
  const opened: Scope[] = [];
  if (query !== undefined) resolveQuery(query, { ...outer, sources: [] }, { ...reading, opened: (scope) => void opened.push(scope) });
  resolveAssignments(assigned, outer, reading);
  // What happens to rows that are there may use the tables the new ones come from.
  resolveAssignments(updated, { ...outer, sources: [...outer.sources, ...(opened[0]?.sources ?? [])] }, reading);
}

/** Without a list every column is written. */
function reachColumns({ outputs }: Source, columns: readonly Token[], reading: Reading): void {
  for (const { text } of columns) if (!outputs.some(({ name }) => same(name, text))) throw new Missing("column", text);
  const reached = columns.length === 0 ? outputs : outputs.filter(({ name }) => columns.some(({ text }) => same(text, name)));
  for (const output of reached) output.reach("other", false, reading.reach);
}

function resolveAssignments(assigned: readonly Assignment[], scope: Scope, reading: Reading): void {
  for (const { target, value } of assigned) resolveAll([target, value], scope, reading, "other");
}

function resolveModify(change: Modify, scope: Scope, reading: Reading): void {
  const uses: RelationUse[] = [];
  const noting: Reading = { ...reading, relation: (use) => void uses.push(use) };
  for (const item of change.from) scope.sources.push(...resolveFrom(item, scope, noting));
  const targets =
    change.verb === "update" ? updated(change.assigned, scope.sources, reading) : deleted(change.targets, scope.sources, reading);
  for (const { site } of targets) mark(site, reading);
  for (const use of uses) reading.relation(isChanged(use, targets) ? { ...use, access: change.verb } : use);
  resolveAssignments(change.assigned, scope, reading);
  resolveAll(change.where, scope, reading, "filter");
  resolveAll(change.others, scope, reading, "order");
}

/** The tables whose columns are set. */
function updated(assigned: readonly Assignment[], sources: readonly Source[], { snapshot }: Reading): Source[] {
  return assigned.flatMap(({ target }) => {
    const [column = "", owner] = target.kind === "name" ? target.parts.map(({ text }) => text).reverse() : [];
    const found = sources.filter(({ alias, outputs }) =>
      owner === undefined ? outputs.some(({ name }) => same(name, column)) : sameTable(snapshot, alias, owner),
    );
    if (found.length === 0) throw new Missing("column", column);
    return found;
  });
}

function deleted(targets: Modify["targets"], sources: readonly Source[], { snapshot }: Reading): readonly Source[] {
  if (targets.length === 0) return sources;
  return targets.flatMap((parts) => {
    const [name = ""] = parts.map(({ text }) => text).reverse();
    const found = sources.filter(
      ({ alias, site }) => sameTable(snapshot, alias, name) || (site !== undefined && sameTable(snapshot, site.relation.name, name)),
    );
    if (found.length === 0) throw new Unresolved(`"${name}"`);
    return found;
  });
}

/** A base table is changed through the view that is. */
function isChanged({ schema, name, through }: RelationUse, targets: readonly Source[]): boolean {
  const [outermost = { schema, name }] = through ?? [];
  return targets.some(({ site }) => site?.relation.name === outermost.name && site.relation.schema === outermost.schema);
}

function mark(site: Site | undefined, { sites }: Reading): void {
  if (site === undefined) throw new Unresolved("a change of what is no table");
  const at = sites.indexOf(site);
  if (at >= 0) sites[at] = { ...site, changed: true };
}

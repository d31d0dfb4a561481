import { resolveAll, resolveExpression } from "./expressions.ts";
import { resolveFrom, resolveTable } from "./from.ts";
import { besideScope, innerScope, named, type Reading, type Scope, starred } from "./scope.ts";
import type { Body, Cte, Expression, Item, Query, Select } from "./tree.ts";
import { Unresolved } from "./unresolved.ts";
import type { Use } from "./uses.ts";

/** A column of a query's result, and what it is made of. */
export interface QueryOutput {
  readonly name: string;
  readonly uses: readonly Use[];
}

/** Reads a query to its end. Everything it reaches is told, its output columns too. */
export function resolveQuery(query: Query, outer: Scope | undefined, reading: Reading): readonly QueryOutput[] {
  const outputs = resolveLazily(query, outer, reading);
  for (const { uses } of outputs) for (const use of uses) reading.reach(use);
  return outputs;
}

/** Reads a query, and leaves it to the caller which of its output columns are reached. */
export function resolveLazily(query: Query, outer: Scope | undefined, reading: Reading, deeper = 1): readonly QueryOutput[] {
  const { seen } = reading;
  seen.depth += deeper;
  seen.deepest = Math.max(seen.deepest, seen.depth);
  const scope = innerScope(outer);
  resolveCtes(query, scope, reading);
  const outputs = resolveBody(query.body, scope, reading);
  for (const { name } of outputs) scope.aliases.add(name.toLowerCase());
  for (const order of query.order) resolveOrder(order, scope, reading);
  resolveAll(query.limit, scope, reading, "other");
  seen.depth -= deeper;
  return outputs;
}

/** A name in ORDER BY means the column of the result that is called so, before any other. */
function resolveOrder(order: Expression, scope: Scope, reading: Reading): void {
  for (const part of order.kind === "parts" ? order.parts : [order]) {
    const [first, ...others] = part.kind === "name" ? part.parts : [];
    if (first === undefined || others.length > 0 || !scope.aliases.has(first.text.toLowerCase()))
      resolveExpression(part, scope, reading, "order");
  }
}

function resolveBody(body: Body, scope: Scope, reading: Reading): readonly QueryOutput[] {
  switch (body.kind) {
    case "select":
      return resolveSelect(body, scope, reading);
    case "sets":
      return merged(body.sides.map((side) => resolveLazily(side, scope, reading, 0)));
    case "nested":
      return resolveLazily(body.query, scope, reading, 0);
    case "values":
      for (const row of body.rows) resolveAll(row, scope, reading, "output");
      return (body.rows[0] ?? []).map((_, at) => ({ name: `column_${at}`, uses: [] }));
    case "table": {
      if (reading.snapshot.isMariaDb) throw new Unresolved('a query that begins with "table"', "Write select * from");
      reading.opened?.(scope);
      scope.sources.push(resolveTable(body.table, scope, reading, body.start));
      return starOutputs([], scope, reading);
    }
  }
}

/** What the servers allow. */
const mostColumns = 4096;
const mostSources = 61;

function resolveSelect(select: Select, scope: Scope, reading: Reading): readonly QueryOutput[] {
  reading.opened?.(scope);
  const inner: Reading = { ...reading, opened: () => undefined };
  for (const [at, item] of select.from.entries()) {
    if (at > 0) reading.join();
    scope.sources.push(...resolveFrom(item, scope, inner));
    if (scope.sources.length > mostSources) throw new Unresolved(`a select from more than ${mostSources} tables`);
  }
  for (const { name, aliased } of select.items) if (aliased) scope.aliases.add(name.toLowerCase());
  const outputs: QueryOutput[] = [];
  for (const item of select.items) {
    outputs.push(...resolveItem(item, scope, inner));
    if (outputs.length > mostColumns) throw new Unresolved(`a select of more than ${mostColumns} columns`);
  }
  resolveAll(select.where, scope, inner, "filter");
  resolveAll(select.group, scope, inner, "group");
  resolveAll(select.having, scope, inner, "filter");
  resolveAll(select.windows, scope, inner, "window");
  return outputs;
}

/** One item of a select list: a star is as many columns as it finds. */
function resolveItem({ expression, name }: Item, scope: Scope, reading: Reading): QueryOutput[] {
  if (expression.kind === "star") return starOutputs(expression.parts, scope, reading);
  const uses: Use[] = [];
  resolveExpression(expression, scope, { ...reading, reach: (use) => void uses.push(use) }, "output");
  return [{ name, uses }];
}

function starOutputs(parts: Parameters<typeof starred>[0], scope: Scope, reading: Reading): QueryOutput[] {
  return starred(parts, scope, reading).flatMap(({ outputs }) =>
    outputs
      .filter(({ aside }) => aside !== true)
      .map((output) => {
        const uses: Use[] = [];
        output.reach("output", true, (use) => void uses.push(use));
        return { name: output.name, uses };
      }),
  );
}

/** The columns of a set operation are made of those of every side, by position. */
function merged(sides: readonly (readonly QueryOutput[])[]): QueryOutput[] {
  const width = Math.max(...sides.map(({ length }) => length));
  return Array.from({ length: width }, (_, at) => ({
    name: sides[0]?.[at]?.name ?? "",
    uses: sides.flatMap((side) => side[at]?.uses ?? []),
  }));
}

/** Each is known to those after it; that others see one of a recursive list earlier is where servers differ. */
export function resolveCtes({ ctes, recursive }: Pick<Query, "ctes" | "recursive">, scope: Scope, reading: Reading): void {
  if (recursive) {
    reading.seen.recursive = true;
    for (const { name } of ctes) scope.ctes.set(name.toLowerCase(), { name });
  }
  for (const cte of ctes) {
    const inner: Scope = { ...besideScope(scope), ctes: new Map(scope.ctes) };
    const outputs = recursive ? resolveRecursive(cte, inner, reading) : resolveQuery(cte.query, inner, reading);
    scope.ctes.set(cte.name.toLowerCase(), { name: cte.name, outputs: named(outputs, cte.columns) });
  }
}

/** The first side of a recursive query says which columns there are; the others see them. */
function resolveRecursive({ name, columns, query }: Cte, scope: Scope, reading: Reading): readonly QueryOutput[] {
  const { body, ctes, recursive, order, limit } = query;
  if (body.kind !== "sets") return resolveQuery(query, scope, reading);
  resolveCtes({ ctes, recursive }, scope, reading);
  const [first, ...others] = body.sides;
  const outputs = first === undefined ? [] : resolveQuery(first, scope, reading);
  scope.ctes.set(name.toLowerCase(), { name, outputs: named(outputs, columns) });
  for (const side of others) resolveQuery(side, scope, reading);
  for (const { name: output } of outputs) scope.aliases.add(output.toLowerCase());
  for (const part of order) resolveOrder(part, scope, reading);
  resolveAll(limit, scope, reading, "other");
  return outputs;
}

import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { resolveAll, resolveExpression } from "./expressions.ts";
import { resolveLazily, resolveQuery } from "./query.ts";
import { isSystem, type Relation, type RelationColumn, tellsOf } from "./relation.ts";
import { besideScope, cteNamed, named, type Output, type Reading, type Scope, type Source, same, type Told } from "./scope.ts";
import { madeOf } from "./telling.ts";
import type { Body, From, TableRef } from "./tree.ts";
import { Missing, Unresolved } from "./unresolved.ts";

/** Reads one item of FROM and gives what it offers. @throws Unresolved for what it does not know */
export function resolveFrom(from: From, scope: Scope, reading: Reading): Source[] {
  switch (from.kind) {
    case "table":
      return [resolveTable(from, scope, reading)];
    case "derived": {
      const outputs = resolveQuery(from.query, from.lateral ? scope : besideScope(scope), reading);
      return [{ alias: from.alias, outputs: named(outputs, from.columns), ...(isValues(from.query.body) && { open: true }) }];
    }
    case "json":
      resolveAll(from.parts, scope, reading, "other");
      return [{ alias: from.alias, outputs: named([], from.columns) }];
    case "join":
      return resolveJoin(from, scope, reading);
    case "group":
      return from.items.flatMap((item, at) => {
        if (at > 0) reading.join();
        return resolveFrom(item, scope, reading);
      });
  }
}

/** The servers name the columns of such a query by its first row, or by their numbers. */
const isValues = (body: Body): boolean => body.kind === "values" || (body.kind === "nested" && isValues(body.query.body));

function resolveJoin(join: Extract<From, { readonly kind: "join" }>, scope: Scope, reading: Reading): Source[] {
  const isCondition = join.right.kind === "group" && join.right.items.length === 0;
  if (!isCondition) reading.join();
  const left = resolveFrom(join.left, scope, reading);
  // A lateral query, or a function over a column, sees what stands to its left.
  const right = resolveFrom(join.right, { ...scope, sources: [...scope.sources, ...left] }, reading);
  const sources = [...left, ...right];
  resolveAll(join.on, { ...scope, sources, aliases: new Set() }, reading, "join");
  const shared = join.natural ? commonNames(left, right) : join.using;
  for (const name of shared)
    for (const { outputs } of sources)
      for (const output of outputs) if (same(output.name, name)) output.reach("join", join.natural, reading.reach);
  return sources;
}

function commonNames(left: readonly Source[], right: readonly Source[]): string[] {
  const names = new Set(right.flatMap(({ outputs }) => outputs.map(({ name }) => name.toLowerCase())));
  return left.flatMap(({ outputs }) => outputs.map(({ name }) => name)).filter((name) => names.has(name.toLowerCase()));
}

const mostTables = 2000;

/** Reads a table, view or common table expression where it is named. */
export function resolveTable(ref: TableRef, scope: Scope, reading: Reading, tableWord?: number): Source {
  const [name = "", schema] = ref.parts.map(({ text }) => text).reverse();
  for (const time of ref.time) resolveExpression(time, scope, reading, "filter");
  const alias = ref.alias ?? name;
  const cte = schema === undefined ? cteNamed(name, scope, reading) : undefined;
  if (cte !== undefined) return { alias, outputs: cte };
  const database = schema ?? reading.database;
  if (database === undefined) throw new Unresolved(`"${name}"`, "Write the name of its database before it");
  if (schema === undefined) reading.bare.push({ ref, database });
  const listed = reading.snapshot.relation(database, name);
  if (listed === undefined && reading.snapshot.isMariaDb && numbers.test(name)) return { alias, outputs: named([], ["seq"]) };
  const relation = listed ?? unlisted(database, name, schema, reading);
  if (relation.merge) throw new Unresolved(`"${name}", a merge of other tables,`, "Read those tables themselves");
  const site = { ref, relation, ...(tableWord !== undefined && { tableWord }) };
  reading.sites.push(site);
  // Views over views may be more than anybody could read.
  if (++reading.seen.tables > mostTables) throw new Unresolved(`a statement that reaches tables in more than ${mostTables} places`);
  const through = reading.through.length > 0 ? { through: reading.through } : {};
  const { kind, tells } = relation;
  reading.relation({ schema: relation.schema, name: relation.name, kind, ...(tells && { tells }), access: "read", ...through });
  const source = { alias, schema: database, site };
  if (kind === "view") return { ...source, outputs: viewOutputs(relation, reading) };
  // Through a view a user may see columns, and tables, that are not in the user's catalog.
  const hidden =
    reading.through.length > 0 && kind === "table" ? { hidden: (column: string) => columnOutput(relation, column, false) } : {};
  return { ...source, outputs: tableOutputs(relation, reading), ...hidden };
}

/** MariaDB makes tables of numbers up as they are named. */
const numbers = /^seq_\d+_to_\d+(?:_step_\d+)?$/i;

function unlisted(schema: string, name: string, written: string | undefined, { through }: Reading): Relation {
  if (isSystem(schema) && through.length > 0) {
    const [system, own] = [schema.toLowerCase(), name.toLowerCase()];
    return { schema: system, name: own, kind: "catalog", tells: tellsOf(system, own), columns: [] };
  }
  if (through.length > 0) return { schema, name, kind: "table", columns: [] };
  throw new Missing("object", name, written === undefined ? name : `${schema}.${name}`);
}

export function tableOutputs(relation: Relation, reading: Reading): readonly Output[] {
  if (relation.kind === "catalog") return relation.columns.map(({ name }) => ({ name, reach: () => undefined }));
  const direct = reading.through.length === 0;
  const columns = relation.columns.map((column) => ({
    ...columnOutput(relation, column.name, direct, madeOf(relation, column)),
    ...(column.invisible && { aside: true }),
  }));
  // The moments of a table that keeps its history.
  const moments = ["row_start", "row_end"].filter((name) => !relation.columns.some((column) => same(column.name, name)));
  return relation.historic ? [...columns, ...moments.map((name) => ({ name, aside: true, reach: () => undefined }))] : columns;
}

/** What a column is computed from is reached with it, by no name of its own. */
const columnOutput = (relation: Relation, column: string, direct: boolean, made: readonly RelationColumn[] = []): Output => ({
  name: column,
  reach(place: ColumnPlace, star: boolean, told: Told) {
    told({ relation, column, place, star: star && direct });
    for (const { name } of made) told({ relation, column: name, place, star: direct });
  },
});

/** What a view's column is made of is reached when the column is; what the view filters and joins by, always. */
function viewOutputs(relation: Relation, reading: Reading): readonly Output[] {
  const { body, schema, name } = relation;
  if (body === undefined)
    throw new Unresolved(`the view "${name}"`, `Have the view's definition shown to this user: grant show view on ${schema}.${name}`);
  if (reading.through.length > 20) throw new Unresolved("views nested more than 20 deep");
  const through = [...reading.through, { schema, name }];
  const inner: Reading = { ...reading, database: schema, through, sites: [], qualified: [], bare: [], opened: () => undefined };
  const outputs = resolveLazily(body.parsed.query, undefined, inner);
  const isWhole = outputs.length === relation.columns.length;
  return relation.columns.map((column, at) => {
    // Where a user may see some columns only, MariaDB's query still names them all as the view does; MySQL's does not.
    const made = isWhole ? outputs[at] : reading.snapshot.isMariaDb ? outputs.find((output) => same(output.name, column.name)) : undefined;
    if (made === undefined) throw new Unresolved(`the column "${column.name}" of the view "${name}"`);
    return {
      name: column.name,
      reach: (place, _star, told) => {
        for (const use of made.uses) told({ ...use, place, star: false });
      },
    };
  });
}

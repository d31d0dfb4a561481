import type { DuckDBConnection } from "@duckdb/node-api";
import type { FederatedPart, FederatedPlan, Federation, PushedCondition } from "../../../core/contract/driver.ts";
import { type Engine, startEngine } from "../engine/instance.ts";
import { diagnose, located } from "../errors/diagnose.ts";
import { refusal } from "../errors/refusal.ts";
import { type Names, queryOf, type Read, readStatement, unreadable } from "../guard/analyze.ts";
import { holds, type Node, readTree, writeTree } from "../guard/json.ts";
import { nameItems } from "../guard/render.ts";
import { same } from "../guard/scope.ts";
import type { Relation } from "../guard/snapshot.ts";
import type { Grammar } from "../sql/grammar.ts";
import { explained } from "../sql/text.ts";
import { forbiddenFunctions, parse, writingFunctions } from "../sql/tree.ts";
import { bindingError } from "./binding.ts";
import { conditionsOf, type Place } from "./conditions.ts";
import { excludedIn, type Named, rename } from "./names.ts";
import { caseOnly, noColumns, noSelect, noSingle, noTable, outside, unplaced } from "./refusals.ts";
import { type Table, tablesOf, written } from "./tables.ts";

/** Splits a statement over tables of several connections. It is read by an engine of its own, which is empty and reaches nothing. */
export async function federate(sql: string, federation: Federation): Promise<FederatedPlan> {
  const engine = await startEngine({ kind: "memory", path: ":memory:", settings: {}, csv: {} }, true);
  try {
    return await plan(sql, federation, engine, await engine.connect());
  } finally {
    engine.close();
  }
}

async function plan(sql: string, federation: Federation, engine: Engine, native: DuckDBConnection): Promise<FederatedPlan> {
  const grammar = engine.grammarOf(native);
  const { tree, query } = await readSelect(sql, grammar);
  const tables = await tablesOf(tree, federation);
  federation.signal.throwIfAborted();
  if (tables.size === 0) throw refusal(noTable(federation.connections));
  const byRelation = new Map<Relation, Table>();
  const read = readStatement(query, namesOf(tables, byRelation));
  const sites = read.sites.flatMap(({ node, relation }) => {
    const table = byRelation.get(relation);
    return table === undefined ? [] : [{ node, table }];
  });
  const asIs = { tree, sites, read };
  const parts = [...new Set(tables.values())].map((table) => partOf(table, asIs, federation));
  const changed = rename(sites, read.qualified);
  if (changed) await nameItems(tree, { parse: grammar.serialize, deparse: grammar.deserialize });
  const text = changed ? await grammar.deserialize(writeTree(tree)) : sql;
  const wrong = await bindingError(native, tables.values(), text);
  refuseUnbound(changed ? wrong : located(wrong, sql), read);
  return { parts, sql: text };
}

async function readSelect(sql: string, grammar: Grammar): Promise<{ readonly tree: Node; readonly query: Node }> {
  const unread = unreadable(sql);
  if (unread !== undefined) throw refusal(unread);
  const parsed = explained(sql) === undefined ? await parse(grammar, sql) : undefined;
  if (parsed === undefined) throw refusal(noSelect(sql));
  const called = parsed.functions.find((name) => forbiddenFunctions.has(name) || writingFunctions.has(name));
  if (called !== undefined) throw refusal(outside(called));
  const tree = readTree(parsed.json);
  const query = queryOf(tree);
  if (query === undefined) throw refusal(noSingle(parsed.count));
  return { tree, query };
}

/** The tables of the statement, as the reader of statements wants to know them. */
function namesOf(tables: ReadonlyMap<string, Table>, byRelation: Map<Relation, Table>): Names {
  const relations = new Map([...new Set(tables.values())].map((table) => [table, relationOf(table)]));
  for (const [table, relation] of relations) byRelation.set(relation, table);
  return {
    bodies: new Map(),
    permitted: new Map(),
    snapshot: {
      database: "",
      macros: new Set(),
      relation(parts) {
        const table = tables.get(parts.join("\0"));
        if (table === undefined) throw refusal(unplaced(parts.join("."), [...tables.values()]));
        return relations.get(table);
      },
    },
  };
}

function relationOf({ place: [schema, name], columns }: Table): Relation {
  return { database: "", schema, name, kind: "table", columns: columns.map(({ name }) => name), types: [], defaults: [] };
}

interface AsIs {
  readonly tree: Node;
  readonly sites: readonly Named[];
  readonly read: Read;
}

/** What a table is asked for: what its places need together, and the conditions they all have. */
function partOf(table: Table, { tree, sites, read }: AsIs, federation: Federation): FederatedPart {
  const { connection, object, columns, place } = table;
  const own = sites.filter((site) => site.table === table);
  const [schema, name] = place;
  const used = read.analysis.columns.filter((use) => use.schema === schema && use.table === name).map(({ column }) => column.toLowerCase());
  const needed = new Set([...used, ...excludedIn(tree)]);
  const isWhole = own.some(({ node }) => holds(node.column_name_alias));
  const names = columns.map((column) => column.name).filter((column) => isWhole || needed.has(column.toLowerCase()));
  const twice = names.find((column, at) => names.some((other, index) => index > at && same(other, column)));
  if (twice !== undefined) throw refusal(caseOnly(twice, connection, object.name));
  const [some] = [...(object.primaryKey ?? []), ...columns.map((column) => column.name)];
  if (some === undefined) throw refusal(noColumns(connection, object.name));
  return {
    name: place,
    connection,
    table: object,
    columns: names.length > 0 ? names : [some],
    where: common(own, tree, { strict: federation.strict(connection), params: federation.params }),
  };
}

/** Rows that one place needs may not be left out because another does not. */
function common(own: readonly Named[], tree: Node, facts: Pick<Place, "strict" | "params">): readonly PushedCondition[] {
  const places = new Map(own.map(({ node, table }) => [node, { written: written(node), columns: table.columns, ...facts }]));
  const lists = [...conditionsOf(tree, places).values()].map((list) => new Map(list.map((condition) => [keyOf(condition), condition])));
  const [first = new Map<string, PushedCondition>(), ...others] = lists;
  let room = mostCharacters;
  return [...first].flatMap(([key, condition]) => {
    if (others.some((other) => !other.has(key)) || key.length > room) return [];
    room -= key.length;
    return [condition];
  });
}

/** A list of very many values costs more to send than the rows it leaves out. */
const mostCharacters = 16_000;

const keyOf = (condition: PushedCondition): string =>
  JSON.stringify(condition, (_, value) => (typeof value === "bigint" ? `${value}n` : value));

/** @throws what the engine, or the reader of statements, has against it. What has to do with types is left to the rows themselves. */
function refuseUnbound(wrong: unknown, { analysis }: Read): void {
  const told = diagnose(wrong);
  const isName = told?.missing !== undefined || /^Ambiguous|^Duplicate alias|does not exist|is not in the FROM/.test(told?.message ?? "");
  if (wrong !== undefined && (isName || analysis.unresolved !== undefined)) throw wrong;
  if (analysis.unresolved !== undefined) throw refusal(analysis.unresolved);
  const foreign = analysis.relations.find((relation) => relation.kind === "catalog") ?? analysis.functions.find((fn) => !fn.trusted);
  if (foreign !== undefined) throw refusal(outside(foreign.name));
}

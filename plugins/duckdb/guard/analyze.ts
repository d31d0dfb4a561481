import { createHash } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Analysis } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import type { Engine } from "../engine/instance.ts";
import { isNode, type Json, type Node, nodes, readTree, text } from "./json.ts";
import { readLazily, readQuery } from "./query.ts";
import { type Reading, type Site, Unresolved } from "./scope.ts";
import { type Relation, type Snapshot, takeSnapshot } from "./snapshot.ts";
import { createUses } from "./uses.ts";

/** Longer texts are not analysed: no person or model writes them, and reading them takes long. */
const mostCharacters = 65_536;

/** What is known of an engine's names, until something changes them. */
export interface Names {
  readonly snapshot: Snapshot;
  readonly bodies: Map<Relation, Node>;
  /** The trees of what may be seen of restricted relations, by their text. */
  readonly permitted: Map<string, Node>;
}

export async function readNames(native: DuckDBConnection, engine: Engine): Promise<Names> {
  return { snapshot: await takeSnapshot(native, engine), bodies: new Map(), permitted: new Map() };
}

/** A query that was read: what it reaches, and where its tree names tables. */
export interface Read {
  readonly analysis: Analysis;
  readonly sites: readonly Site[];
  readonly qualified: readonly Node[];
}

/** Reads the tree of one query. The trees of the views it reaches must be known. */
export function readStatement(query: Node, { snapshot, bodies }: Names): Read {
  const uses = createUses();
  const reading: Reading = {
    snapshot,
    bodies,
    through: [],
    reach: uses.add,
    relation: uses.relation,
    fn: uses.fn,
    join: uses.join,
    sites: [],
    qualified: [],
    seen: { depth: 0, deepest: 0, recursive: false },
    query: readQuery,
    lazily: readLazily,
  };
  const unresolved = attempt(() => void readQuery(query, undefined, reading));
  const { columns, relations, functions, joins } = uses;
  const analysis: Analysis = {
    verb: "select",
    relations,
    columns,
    functions,
    complexity: { relations: relations.length, joins, depth: reading.seen.deepest, recursive: reading.seen.recursive },
    fingerprint: fingerprint(query),
    ...(unresolved !== undefined && { unresolved }),
  };
  return { analysis, sites: reading.sites, qualified: reading.qualified };
}

function attempt(work: () => void): Diagnosis | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
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

/** Text that parsers read in different ways, or that is too long to read. */
export function unreadable(sql: string): Diagnosis | undefined {
  if (sql.startsWith("\uFEFF") || !sql.isWellFormed())
    return {
      code: "SQL_INVALID",
      message: sql.startsWith("\uFEFF") ? "The text begins with a byte order mark" : "The text holds half of a surrogate pair",
      hint: "Send the statement as plain Unicode text",
    };

  if (sql.length <= mostCharacters) return undefined;
  return {
    code: "LIMIT_EXCEEDED",
    message: `The statement has ${sql.length} characters, and ${mostCharacters} is the most that is analysed`,
    hint: "Pass long values as parameters",
  };
}

/** Parses the bodies of all views a tree can reach, and of the views those reach. */
export async function loadBodies(tree: Node, names: Names, parse: (sql: string) => Promise<string | undefined>): Promise<void> {
  const waiting = tablesIn(tree);
  for (let parts = waiting.pop(); parts !== undefined; parts = waiting.pop()) {
    const relation = names.snapshot.relation(parts);
    if (relation?.body === undefined || names.bodies.has(relation)) continue;
    const json = relation.body === "" ? undefined : await parse(relation.body);
    const query = json === undefined ? undefined : queryOf(readTree(json));
    if (query === undefined) continue;
    names.bodies.set(relation, query);
    waiting.push(...tablesIn(query));
  }
}

/** The only query of a serialized text. */
export function queryOf(tree: Node): Node | undefined {
  const [statement, ...others] = nodes(tree.statements);
  return others.length === 0 && isNode(statement?.node) ? statement.node : undefined;
}

function tablesIn(value: Json): string[][] {
  if (Array.isArray(value)) return value.flatMap(tablesIn);
  if (!isNode(value)) return [];
  const own =
    value.type === "BASE_TABLE"
      ? [[text(value.catalog_name), text(value.schema_name), text(value.table_name)].filter((part) => part !== "")]
      : [];
  return [...own, ...Object.values(value).flatMap(tablesIn)];
}

/** The shape of a query: its tree without literals, names of columns in the result and places in the text. */
function fingerprint(query: Node): string {
  const shape = JSON.stringify(query, (key, value) => {
    if (key === "query_location" || key === "alias") return undefined;
    return isNode(value) && value.class === "CONSTANT" ? { class: "CONSTANT" } : value;
  });
  return createHash("sha256").update(shape.toLowerCase()).digest("hex").slice(0, 16);
}

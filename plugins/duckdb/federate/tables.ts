import type { CatalogColumn, CatalogObject } from "../../../core/contract/catalog.ts";
import type { Federation } from "../../../core/contract/driver.ts";
import { refusal } from "../errors/refusal.ts";
import { isNode, type Json, type Node, text } from "../guard/json.ts";
import { same } from "../guard/scope.ts";

/** A table of a connection that a statement names. */
export interface Table {
  readonly connection: string;
  readonly object: CatalogObject;
  readonly columns: readonly CatalogColumn[];
  /** What the statement over the parts calls it. */
  readonly place: readonly [schema: string, table: string];
}

/** How a node names its table: database, schema and name, as far as they are written. */
export const written = (node: Node): string[] =>
  [text(node.catalog_name), text(node.schema_name), text(node.table_name)].filter((part) => part !== "");

/** Looks up every table that stands in a tree with more than its name; kept by what is written. @throws a refusal, and what `federation.table` throws */
export async function tablesOf(tree: Json, federation: Federation): Promise<ReadonlyMap<string, Table>> {
  const names = new Map(namesIn(tree).map((parts) => [parts.join("\0"), parts]));
  const looked = await Promise.all(
    [...names].map(async ([key, [first = "", ...path]]) => {
      const connection = connectionNamed(first, federation.connections);
      return { key, connection, object: await federation.table(connection, path) };
    }),
  );
  const tables = new Map<string, Table>();
  for (const { key, connection, object } of looked) {
    const known = [...tables.values()].find((table) => table.connection === connection && isSame(table.object, object));
    const place = known?.place ?? freePlace(connection, object, [...tables.values()]);
    tables.set(key, known ?? { connection, object, columns: object.columns ?? [], place });
  }
  return tables;
}

const isSame = (a: CatalogObject, b: CatalogObject): boolean => a.schema === b.schema && a.name === b.name;

function namesIn(value: Json): string[][] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isNode(value)) return [];
  const own = value.type === "BASE_TABLE" ? [written(value)].filter((parts) => parts.length > 1) : [];
  return [...own, ...Object.values(value).flatMap(namesIn)];
}

/** The first part of a name is always a connection; schemas of that name are reached through it. */
function connectionNamed(name: string, connections: readonly string[]): string {
  if (connections.includes(name)) return name;
  const [found, ...others] = connections.filter((connection) => same(connection, name));
  if (found === undefined)
    throw refusal({
      code: "NOT_FOUND",
      message: `No connection of this statement is called "${name}"`,
      hint: `Write connection.table with one of: ${connections.join(", ")}`,
    });
  if (others.length === 0) return found;
  throw refusal({
    code: "INPUT_INVALID",
    message: `Name "${name}" means more than one connection: ${[found, ...others].join(", ")}`,
    hint: `Write it in the case of one of them, for example "${found}"`,
  });
}

/** Names that mean something to the engine when they stand before a point. */
const reserved = /^(?:main|temp|system|memory|information_schema|pg_catalog|stored_\d+)$/i;

/** As it is written where that is possible, because then the statement stays as it is. */
function freePlace(connection: string, { schema = "", name }: CatalogObject, tables: readonly Table[]): Table["place"] {
  const isFree = ([owner, table]: Table["place"]) =>
    !reserved.test(owner) && !tables.some(({ place }) => same(place[0], owner) && same(place[1], table));
  const full = `${connection}.${schema}`;
  for (let count = 1; ; count++) {
    const table = count === 1 ? name : `${name} ${count}`;
    const free = [[connection, table] as const, [full, table] as const].find(isFree);
    if (free !== undefined) return free;
  }
}

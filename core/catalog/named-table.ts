import type { CatalogObject } from "../contract/catalog.ts";
import type { EngineFacts } from "../contract/driver.ts";
import { asProblem, Problem } from "../problem.ts";
import { quoteIdentifier } from "../sql/quote.ts";
import { qualifiedName } from "./name.ts";
import { isRelation } from "./relation.ts";
import { findObject } from "./resolve.ts";

/** A table or view, and how a statement on its connection names it. */
export interface NamedTable {
  readonly object: CatalogObject;
  readonly from: string;
}

/** Names an object. A schema is only written where it is needed: under restrictions SQLite takes no qualified names. */
export function nameTable(
  object: CatalogObject,
  objects: readonly CatalogObject[],
  { identifierQuote, defaultSchema }: EngineFacts,
): NamedTable {
  const plain = object.schema === defaultSchema && objects.filter(({ name }) => name === object.name).length === 1;
  const parts = object.schema === undefined || plain ? [object.name] : [object.schema, object.name];
  return { object, from: parts.map((part) => quoteIdentifier(part, identifierQuote)).join(".") };
}

/** The table or view of `connection` that a statement calls `[schema.]name`. @throws NOT_FOUND with near names; INPUT_INVALID when there are several */
export function tableNamed(connection: string, path: readonly string[], objects: readonly CatalogObject[], facts: EngineFacts): NamedTable {
  const [name = "", schema] = [...path].reverse();
  const relations = objects.filter(isRelation);
  try {
    const object = findObject(relations, qualifiedName({ name, ...(schema !== undefined && { schema }) }), facts.defaultSchema);
    return nameTable(object, objects, facts);
  } catch (error) {
    const { code, message, hint } = asProblem(error);
    throw new Problem({ code, message: `${message} on connection "${connection}"`, ...(hint !== undefined && { hint }) }, error);
  }
}

import { isNode, type Json, type Node, nodes, text, texts } from "../guard/json.ts";
import { same } from "../guard/scope.ts";
import { type Table, written } from "./tables.ts";

/** A table where a statement names it. */
export interface Named {
  readonly node: Node;
  readonly table: Table;
}

/**
 * Gives every table the name of its part where that is not what is written; `qualified` are the references that name a column with the
 * table's schema. True when anything was changed.
 */
export function rename(sites: readonly Named[], qualified: readonly Node[]): boolean {
  const renamed = sites.map((site) => ({ ...site, parts: written(site.node) })).filter(({ parts, table }) => !isPlace(parts, table));
  for (const { node, table, parts } of renamed) {
    const [schema, name] = table.place;
    const own = parts.at(-1) ?? "";
    const moved = text(node.alias) === "" && !same(name, own);
    if (text(node.alias) === "") for (const reference of qualified) requalify(reference, parts, moved ? [own] : table.place);
    Object.assign(node, { catalog_name: "", schema_name: schema, table_name: name, ...(moved && { alias: own }) });
  }
  return renamed.length > 0;
}

const isPlace = (parts: readonly string[], { place }: Table): boolean =>
  parts.length === 2 && parts.every((part, at) => same(part, place[at] ?? ""));

/** `connection.schema.table.column`, or without the connection. */
function requalify(reference: Node, parts: readonly string[], place: readonly string[]): void {
  const names = texts(reference.column_names);
  const owner = [parts, parts.slice(-2)].find(
    (owner) => owner.length < names.length && owner.every((part, at) => same(part, names[at] ?? "")),
  );
  if (owner !== undefined) reference.column_names = [...place, ...names.slice(owner.length)];
}

/** The columns a star leaves out; the engine wants them to be there all the same. In lower case. */
export function excludedIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(excludedIn);
  if (!isNode(value)) return [];
  const own = [...texts(value.exclude_list), ...nodes(value.qualified_exclude_list).map(({ column }) => text(column))];
  return [...own.map((name) => name.toLowerCase()), ...Object.values(value).flatMap(excludedIn)];
}

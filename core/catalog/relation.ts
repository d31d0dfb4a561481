import type { CatalogObject } from "../contract/catalog.ts";

/** Whether an object has rows: a table or a view of any kind. */
export function isRelation({ kind }: CatalogObject): boolean {
  return kind === "table" || kind === "view" || kind === "materialized view";
}

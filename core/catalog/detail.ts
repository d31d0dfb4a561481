import type { CatalogDetail, CatalogObject } from "../contract/catalog.ts";

/** From the least to the most. */
export const details: readonly CatalogDetail[] = ["names", "columns", "full"];

/** The object with what `detail` did not ask for left out. */
export function atDetail(object: CatalogObject, detail: CatalogDetail): CatalogObject {
  if (detail === "full") return object;
  const { indexes, checks, definition, ...withColumns } = object;
  if (detail === "columns") return withColumns;
  const { columns, primaryKey, foreignKeys, ...named } = withColumns;
  return named;
}

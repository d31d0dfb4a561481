import type { CatalogObject } from "../contract/catalog.ts";
import type { RoleRequest } from "../contract/driver.ts";
import type { Grants } from "./roles/grants.ts";

/** The tables and columns somebody may read, masked or not: a mask is made from what is beneath it. Without grants, all. */
export function readableTables(
  objects: readonly CatalogObject[],
  grants: Grants | undefined,
  connection: string,
): Pick<RoleRequest, "tables" | "whole"> {
  const relations = objects.filter(({ columns }) => columns !== undefined);
  const tables = relations.flatMap(({ schema, name, columns = [] }) => {
    const table = grants?.table({ connection, schema, table: name });
    if (table?.may("select") === false) return [];
    const open = columns.filter((column) => table?.column(column.name, "select").visible ?? true).map((column) => column.name);
    const named = { ...(schema !== undefined && { schema }), name };
    return [open.length === columns.length ? named : { ...named, columns: open }];
  });
  return { tables, whole: tables.length === relations.length && tables.every((table) => !("columns" in table)) };
}

import type { CatalogColumn, CatalogObject, ObjectName } from "../../contract/catalog.ts";
import type { Permissions } from "./compile.ts";
import type { TableGrants } from "./grants.ts";

/**
 * The part of a catalog somebody may know of. What is refused is absent, also where something else mentions it; of what is
 * masked or filtered only the name and the type are told.
 */
export function visibleObjects(objects: readonly CatalogObject[], { grants }: Permissions, connection: string): CatalogObject[] {
  if (grants.unrestricted(connection)) return [...objects];
  const of = ({ schema, name }: ObjectName): TableGrants => grants.table({ connection, schema, table: name });
  return objects.filter((object) => of(object).may("select")).map((object) => narrowed(object, of(object), of));
}

function narrowed(object: CatalogObject, table: TableGrants, of: (name: ObjectName) => TableGrants): CatalogObject {
  const isVisible = (column: string): boolean => table.column(column, "select").visible;
  const isPlain = (column: string): boolean => isVisible(column) && table.column(column, "select").mask === undefined;
  const { definition, checks, comment, columns, primaryKey, foreignKeys, indexes, estimatedRows, bytes, ...rest } = object;
  const whole = columns === undefined ? false : columns.every(({ name }) => isPlain(name)) && table.filters.length === 0;
  return {
    ...rest,
    // Texts and numbers may tell of rows and columns that are not there for this caller; a view's text of other tables too.
    ...(whole && object.kind === "table" && { definition, checks, comment, estimatedRows, bytes }),
    ...(columns && {
      columns: columns.filter(({ name }) => isVisible(name)).map((column) => (isPlain(column.name) ? column : bare(column))),
    }),
    ...(primaryKey && { primaryKey: primaryKey.every(isVisible) ? primaryKey : [] }),
    ...(foreignKeys && {
      foreignKeys: foreignKeys.filter(({ columns: own, references }) => own.every(isVisible) && of(references).may("select")),
    }),
    ...(indexes && { indexes: indexes.filter((index) => index.columns.every(isPlain)) }),
  };
}

const bare = ({ name, type, nativeType, nullable }: CatalogColumn): CatalogColumn => ({ name, type, nativeType, nullable });

import type { CatalogColumn, CatalogDetail, CatalogObject } from "../contract/catalog.ts";
import type { Batch, Column, LogicalType, RowStream, Value } from "../contract/rows.ts";
import { qualifiedName } from "./name.ts";

interface Field {
  readonly name: string;
  readonly type: LogicalType;
  value(object: CatalogObject, column: CatalogColumn | undefined): Value;
}

const objectFields: readonly Field[] = [
  { name: "schema", type: "text", value: (object) => object.schema ?? null },
  { name: "name", type: "text", value: (object) => object.name },
  { name: "kind", type: "text", value: (object) => object.kind },
  { name: "estimated_rows", type: "bigint", value: (object) => countOf(object.estimatedRows) },
];

const aboutObject: readonly Field[] = [{ name: "comment", type: "text", value: (object) => object.comment ?? null }];

const columnFields: readonly Field[] = [
  { name: "column", type: "text", value: (_, column) => column?.name ?? null },
  { name: "type", type: "text", value: (_, column) => column?.nativeType ?? null },
  { name: "nullable", type: "boolean", value: (_, column) => column?.nullable ?? null },
  { name: "primary_key", type: "int", value: (object, column) => placeIn(object.primaryKey, column) },
  { name: "references", type: "text", value: (object, column) => referencesOf(object, column) },
];

const aboutColumn: readonly Field[] = [
  { name: "default", type: "text", value: (_, column) => column?.default ?? null },
  { name: "generated", type: "boolean", value: (_, column) => (column === undefined ? null : (column.generated ?? false)) },
  { name: "indexes", type: "text", value: (object, column) => indexesOf(object, column) },
  { name: "comment", type: "text", value: (_, column) => column?.comment ?? null },
];

/**
 * The catalog as rows for any exporter: one per object at `names`, else one per column. An object
 * without columns keeps one row. `primary_key` is the column's place in the key, from 1.
 */
export function inspectRows(objects: readonly CatalogObject[], detail: CatalogDetail, batchSize = 1024): RowStream {
  const fields = [...objectFields, ...(detail === "names" ? aboutObject : columnFields), ...(detail === "full" ? aboutColumn : [])];
  const columns = fields.map(({ name, type }): Column => ({ name, type, nativeType: "" }));
  const batches = batchesOf(rowsOf(objects, fields, detail), fields.length, batchSize);
  return {
    columns,
    [Symbol.asyncIterator]: () => batches,
    [Symbol.asyncDispose]: async () => void (await batches.return(undefined)),
  };
}

function* rowsOf(objects: readonly CatalogObject[], fields: readonly Field[], detail: CatalogDetail): Generator<Value[]> {
  for (const object of objects) {
    const columns = detail === "names" || !object.columns?.length ? [undefined] : object.columns;
    for (const column of columns) yield fields.map((field) => field.value(object, column));
  }
}

async function* batchesOf(rows: Iterable<Value[]>, width: number, batchSize: number): AsyncGenerator<Batch, void> {
  let held: Value[][] = [];
  const batch = (): Batch => ({
    length: held.length,
    columns: Array.from({ length: width }, (_, at) => held.map((row) => row[at] ?? null)),
  });
  for (const row of rows) {
    held.push(row);
    if (held.length < batchSize) continue;
    yield batch();
    held = [];
  }
  if (held.length > 0) yield batch();
}

function countOf(rows: number | undefined): Value {
  return rows !== undefined && rows >= 0 && Number.isFinite(rows) ? BigInt(Math.round(rows)) : null;
}

function placeIn(key: readonly string[] | undefined, column: CatalogColumn | undefined): Value {
  const at = column === undefined ? -1 : (key?.indexOf(column.name) ?? -1);
  return at < 0 ? null : at + 1;
}

function referencesOf(object: CatalogObject, column: CatalogColumn | undefined): Value {
  const targets = (object.foreignKeys ?? []).flatMap(({ columns, references }) => {
    const at = column === undefined ? -1 : columns.indexOf(column.name);
    const target = references.columns[at];
    const path = qualifiedName(references, object.schema);
    return at < 0 ? [] : [target === undefined ? path : `${path}.${qualifiedName({ name: target })}`];
  });
  return targets.length === 0 ? null : targets.join(", ");
}

function indexesOf(object: CatalogObject, column: CatalogColumn | undefined): Value {
  const names = (object.indexes ?? [])
    .filter((index) => column !== undefined && index.columns.includes(column.name))
    .map((index) => index.name);
  return names.length === 0 ? null : names.join(", ");
}

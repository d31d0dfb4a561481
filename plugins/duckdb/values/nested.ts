import {
  type DuckDBArrayType,
  DuckDBBlobValue,
  DuckDBGeometryValue,
  DuckDBListValue,
  type DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTypeId,
  type DuckDBUnionType,
  DuckDBVariantValue,
} from "@duckdb/node-api";
import type { Value } from "../../../core/contract/rows.ts";
import { flatReaders } from "./flat.ts";
import { timestampWriter } from "./moments.ts";
import { integer } from "./numbers.ts";
import { nulls, type Reader, type Vector } from "./vectors.ts";

interface ListVector extends Vector {
  readonly childVector: Vector;
  getEntryOffset(row: number): number;
  getEntryLength(row: number): number;
}
interface StructVector extends Vector {
  entryVectorAt(index: number): Vector;
}

/** Reads a vector of any type, cell by cell; NULL is null. */
export function reader(vector: Vector): Reader {
  const read = presentReader(vector);
  const isNull = nulls(vector);
  return isNull === undefined ? read : (row) => (isNull(row) ? null : read(row));
}

/** The same for rows known not to be NULL. */
export function presentReader(vector: Vector): Reader {
  const flat = flatReaders[vector.type.typeId];
  if (flat !== undefined) return flat(vector);
  switch (vector.type.typeId) {
    case DuckDBTypeId.LIST:
      return lists(vector as ListVector);
    case DuckDBTypeId.ARRAY:
      return arrays(vector as Vector & { readonly childData: Vector });
    case DuckDBTypeId.STRUCT:
      return structs(vector as StructVector);
    case DuckDBTypeId.MAP:
      return maps(vector.listVector as ListVector);
    case DuckDBTypeId.UNION:
      return unions(vector.type as DuckDBUnionType, vector.structVector as StructVector);
    case DuckDBTypeId.VARIANT:
      return (row) => variant(vector.getItem(row));
    default:
      return (row) => String(vector.getItem(row));
  }
}

function lists(vector: ListVector): Reader {
  const read = reader(vector.childVector);
  return (row) => {
    const start = vector.getEntryOffset(row);
    return Array.from({ length: vector.getEntryLength(row) }, (_, index) => read(start + index));
  };
}

function arrays(vector: Vector & { readonly childData: Vector }): Reader {
  const { length } = vector.type as DuckDBArrayType;
  const read = reader(vector.childData);
  return (row) => Array.from({ length }, (_, index) => read(row * length + index));
}

/** A struct without field names, as `row(1, 2)` makes, would lose fields as a record: it is a list. */
function structs(vector: StructVector): Reader {
  const { entryNames } = vector.type as DuckDBStructType;
  const reads = entryNames.map((_, index) => reader(vector.entryVectorAt(index)));
  if (new Set(entryNames).size < entryNames.length) return (row) => reads.map((read) => read(row));
  return (row) => Object.fromEntries(entryNames.map((name, index) => [name, (reads[index] as Reader)(row)]));
}

/** Text keys make a record; others would not survive as field names, so such a map is a list of pairs. */
function maps(vector: ListVector): Reader {
  const entries = vector.childVector as StructVector;
  const [keys, cells] = [entries.entryVectorAt(0), entries.entryVectorAt(1)];
  const [key, value] = [reader(keys), reader(cells)];
  const isText = keys.type.typeId === DuckDBTypeId.VARCHAR || keys.type.typeId === DuckDBTypeId.ENUM;
  return (row) => {
    const start = vector.getEntryOffset(row);
    const pairs = Array.from({ length: vector.getEntryLength(row) }, (_, index) => [key(start + index), value(start + index)] as const);
    return isText ? Object.fromEntries(pairs as readonly (readonly [string, Value])[]) : pairs.map(([key, value]) => ({ key, value }));
  };
}

/** The first entry says which of the others holds the value. */
function unions({ memberTags }: DuckDBUnionType, vector: StructVector): Reader {
  const tag = reader(vector.entryVectorAt(0));
  const reads = memberTags.map((_, index) => reader(vector.entryVectorAt(index + 1)));
  return (row) => {
    const member = tag(row);
    return member === null ? null : { [memberTags[member as number] as string]: (reads[member as number] as Reader)(row) };
  };
}

/** A variant says its type cell by cell, so it is read by value. */
function variant(value: unknown): Value {
  if (value === null || value === undefined || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value ?? null;
  if (typeof value === "bigint") return integer(value);
  if (value instanceof DuckDBVariantValue) return variant(value.value);
  if (value instanceof DuckDBListValue) return value.items.map(variant);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, item]) => [name, variant(item)]));
  if (value instanceof DuckDBBlobValue || value instanceof DuckDBGeometryValue) return new Uint8Array(value.bytes);
  if (value instanceof DuckDBTimestampTZValue) return timestampWriter(1)(Number.NaN, () => value.micros, "+00");
  return String(value);
}

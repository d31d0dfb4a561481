import type { DuckDBType } from "@duckdb/node-api";
import type { Value } from "../../../core/contract/rows.ts";

/**
 * What the bindings keep inside a vector. They offer `getItem`, which makes an object per cell; reading the
 * memory below is several times faster. `tests/drivers/duckdb-values.test.ts` holds every type to it.
 */
export interface Vector {
  readonly type: DuckDBType;
  readonly itemCount: number;
  readonly items?: ArrayBufferView;
  readonly dataView?: DataView;
  readonly validity?: Validity;
  /** Where a map, a union and a variant keep theirs. */
  readonly listVector?: Vector;
  readonly structVector?: Vector;
  readonly structVec?: Vector;
  getItem(row: number): unknown;
}

interface Validity {
  /** A bit per row, set when it is not NULL; null when no row is. */
  readonly data: BigUint64Array | null;
}

/** Reads the cell of one row; not to be asked for a row that is NULL. */
export type Reader = (row: number) => Value;

/** Which rows are NULL; `undefined` when none is. */
export function nulls(vector: Vector): ((row: number) => boolean) | undefined {
  const owner = vector.listVector ?? vector.structVector ?? vector.structVec ?? vector;
  const words = owner.validity?.data;
  if (!words) return undefined;
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  return (row) => (((bytes[row >> 3] as number) >> (row & 7)) & 1) === 0;
}

export function memory({ items, dataView }: Vector): DataView {
  if (dataView !== undefined) return dataView;
  const { buffer, byteOffset, byteLength } = items as ArrayBufferView;
  return new DataView(buffer, byteOffset, byteLength);
}

/** 64-bit integers, as doubles that are exact up to 2^53 too: making a bigint of each cell would take most of the time. */
export function int64(vector: Vector): { double(row: number): number; exact(row: number): bigint } {
  const { buffer, byteOffset } = memory(vector);
  const words = new Int32Array(buffer, byteOffset, vector.itemCount * 2);
  const whole = new BigInt64Array(buffer, byteOffset, vector.itemCount);
  return {
    double: (row) => (words[row * 2 + 1] as number) * 2 ** 32 + ((words[row * 2] as number) >>> 0),
    exact: (row) => whole[row] as bigint,
  };
}

import { type DuckDBDataChunk, DuckDBTypeId } from "@duckdb/node-api";
import type { Batch, Value } from "../../../core/contract/rows.ts";
import { presentReader } from "./nested.ts";
import { allTexts } from "./texts.ts";
import { nulls, type Vector } from "./vectors.ts";

/** Types whose memory is an array of the numbers they mean. */
const numeric: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.DOUBLE,
]);

/** Copies a chunk out of the engine's memory, which goes when the chunk does, in batches of at most `batchSize` rows. */
export function* batchesOf(chunk: DuckDBDataChunk, width: number, batchSize: number): Generator<Batch> {
  const columns = Array.from({ length: width }, (_, index) => column(chunk.getColumnVector(index) as unknown as Vector));
  for (let start = 0; start < chunk.rowCount; start += batchSize) {
    const end = Math.min(start + batchSize, chunk.rowCount);
    yield { length: end - start, columns: columns.map((read) => read(start, end)) };
  }
}

function column(vector: Vector): (start: number, end: number) => ArrayLike<Value> {
  const isNull = nulls(vector);
  if (isNull === undefined && numeric.has(vector.type.typeId)) return (start, end) => (vector.items as Float64Array).slice(start, end);
  if (vector.type.typeId === DuckDBTypeId.VARCHAR) {
    const cells = allTexts(vector);
    return (start, end) => cells.slice(start, end);
  }
  const read = presentReader(vector);
  return (start, end) => {
    const cells = new Array<Value>(end - start);
    if (isNull === undefined) for (let row = start; row < end; row++) cells[row - start] = read(row);
    else for (let row = start; row < end; row++) cells[row - start] = isNull(row) ? null : read(row);
    return cells;
  };
}

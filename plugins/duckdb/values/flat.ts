import { type DuckDBDecimalType, type DuckDBEnumType, DuckDBTypeId } from "@duckdb/node-api";
import { dateWriter, intervalText, timeNanosText, timestampNanosText, timestampWriter, timeText, timeTzText } from "./moments.ts";
import { decimalText, integer, shortestFloat } from "./numbers.ts";
import { texts } from "./texts.ts";
import { int64, memory, type Reader, type Vector } from "./vectors.ts";

/** Readers for every type that is not made of other types. */
export const flatReaders: Partial<Record<DuckDBTypeId, (vector: Vector) => Reader>> = {
  [DuckDBTypeId.BOOLEAN]: booleans,
  [DuckDBTypeId.TINYINT]: numbers,
  [DuckDBTypeId.SMALLINT]: numbers,
  [DuckDBTypeId.INTEGER]: numbers,
  [DuckDBTypeId.UTINYINT]: numbers,
  [DuckDBTypeId.USMALLINT]: numbers,
  [DuckDBTypeId.UINTEGER]: numbers,
  [DuckDBTypeId.DOUBLE]: numbers,
  [DuckDBTypeId.FLOAT]: floats,
  [DuckDBTypeId.BIGINT]: bigints,
  [DuckDBTypeId.UBIGINT]: wideIntegers,
  [DuckDBTypeId.HUGEINT]: wideIntegers,
  [DuckDBTypeId.UHUGEINT]: wideIntegers,
  [DuckDBTypeId.BIGNUM]: wideIntegers,
  [DuckDBTypeId.DECIMAL]: decimals,
  [DuckDBTypeId.VARCHAR]: texts,
  [DuckDBTypeId.ENUM]: enums,
  [DuckDBTypeId.BLOB]: blobs,
  [DuckDBTypeId.GEOMETRY]: blobs,
  [DuckDBTypeId.DATE]: dates,
  [DuckDBTypeId.TIME]: times,
  [DuckDBTypeId.TIME_NS]: nanoTimes,
  [DuckDBTypeId.TIME_TZ]: zonedTimes,
  [DuckDBTypeId.TIMESTAMP]: (vector) => timestamps(vector, 1, ""),
  [DuckDBTypeId.TIMESTAMP_TZ]: (vector) => timestamps(vector, 1, "+00"),
  [DuckDBTypeId.TIMESTAMP_MS]: (vector) => timestamps(vector, 1000, ""),
  [DuckDBTypeId.TIMESTAMP_S]: (vector) => timestamps(vector, 1_000_000, ""),
  [DuckDBTypeId.TIMESTAMP_NS]: nanoTimestamps,
  [DuckDBTypeId.INTERVAL]: intervals,
  [DuckDBTypeId.UUID]: uuids,
};

function booleans(vector: Vector): Reader {
  const { buffer, byteOffset } = memory(vector);
  const bytes = new Uint8Array(buffer, byteOffset, vector.itemCount);
  return (row) => bytes[row] !== 0;
}

function numbers({ items }: Vector): Reader {
  const array = items as Float64Array;
  return (row) => array[row] as number;
}

function floats({ items }: Vector): Reader {
  const array = items as Float32Array;
  return (row) => shortestFloat(array[row] as number);
}

function bigints(vector: Vector): Reader {
  const { double, exact } = int64(vector);
  return (row) => {
    const near = double(row);
    return Number.isSafeInteger(near) ? near : exact(row);
  };
}

function wideIntegers(vector: Vector): Reader {
  return (row) => integer(vector.getItem(row) as bigint);
}

function decimals(vector: Vector): Reader {
  const { width, scale } = vector.type as DuckDBDecimalType;
  const view = memory(vector);
  if (width <= 4) return (row) => decimalText(view.getInt16(row * 2, true), scale);
  if (width <= 9) return (row) => decimalText(view.getInt32(row * 4, true), scale);
  if (width > 18) return (row) => decimalText((view.getBigInt64(row * 16 + 8, true) << 64n) + view.getBigUint64(row * 16, true), scale);
  const { double, exact } = int64(vector);
  return (row) => {
    const near = double(row);
    return decimalText(Number.isSafeInteger(near) ? near : exact(row), scale);
  };
}

function enums({ type, items }: Vector): Reader {
  const { values } = type as DuckDBEnumType;
  const array = items as Uint32Array;
  return (row) => values[array[row] as number] as string;
}

function blobs(vector: Vector): Reader {
  return (row) => new Uint8Array((vector.getItem(row) as { readonly bytes: Uint8Array }).bytes);
}

function dates({ items }: Vector): Reader {
  const days = items as Int32Array;
  const write = dateWriter();
  return (row) => write(days[row] as number);
}

function times(vector: Vector): Reader {
  const { double } = int64(vector);
  return (row) => timeText(double(row));
}

function nanoTimes(vector: Vector): Reader {
  const { exact } = int64(vector);
  return (row) => timeNanosText(exact(row));
}

function zonedTimes({ items }: Vector): Reader {
  const bits = items as BigUint64Array;
  return (row) => timeTzText(bits[row] as bigint);
}

function timestamps(vector: Vector, microsPerUnit: number, zone: string): Reader {
  const { double, exact } = int64(vector);
  const write = timestampWriter(microsPerUnit);
  return (row) => write(double(row), () => exact(row), zone);
}

function nanoTimestamps(vector: Vector): Reader {
  const { exact } = int64(vector);
  const write = dateWriter();
  return (row) => timestampNanosText(exact(row), write);
}

function intervals(vector: Vector): Reader {
  const view = memory(vector);
  return (row) => intervalText(view.getInt32(row * 16, true), view.getInt32(row * 16 + 4, true), view.getBigInt64(row * 16 + 8, true));
}

/** The upper half is stored with its first bit turned over, so that uuids sort as signed numbers. */
function uuids(vector: Vector): Reader {
  const view = memory(vector);
  const hex = (value: bigint) => value.toString(16).padStart(16, "0");
  return (row) => {
    const digits = hex(view.getBigUint64(row * 16 + 8, true) ^ (1n << 63n)) + hex(view.getBigUint64(row * 16, true));
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
  };
}

import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Float64,
  Int64,
  makeData,
  TimeMicrosecond,
  TimestampMicrosecond,
  Uint64,
  Utf8,
} from "apache-arrow";
import type { Column, Value } from "../contract/rows.ts";
import { cellText } from "./cell.ts";
import { readMoment, readTime } from "./temporal.ts";

/** How the values of one column become Arrow memory. */
export interface ArrowColumn {
  readonly type: DataType;
  /** Fills one batch, or names the first row whose value the type cannot hold exactly. */
  fill(values: ArrayLike<Value>, length: number): Data | { readonly misfit: number };
}

/** The exact type a column declares; text where Arrow has none as exact. */
export function declaredColumn({ type, nativeType }: Column): ArrowColumn {
  switch (type) {
    case "boolean":
      return boolean;
    case "int":
      return int64;
    case "bigint":
      if (/HUGEINT|INT128/i.test(nativeType)) return decimal(38, 0);
      return /BIGINT UNSIGNED|UBIGINT|UINT64/i.test(nativeType) ? uint64 : int64;
    case "float":
      return float64;
    case "decimal": {
      const [, precision, scale = "0"] = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(nativeType) ?? [];
      return precision === undefined || Number(precision) > 38 ? utf8 : decimal(Number(precision), Number(scale));
    }
    case "bytes":
      return binary;
    case "date":
      return date;
    case "time":
      return time;
    case "timestamp":
      return timestamp;
    case "timestamptz":
      return timestamptz;
    default:
      return utf8;
  }
}

/** One bit per row. */
class Bits {
  readonly bytes: Uint8Array;
  count = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array((length + 7) >> 3);
  }

  set(row: number): void {
    this.bytes[row >> 3] = (this.bytes[row >> 3] ?? 0) | (1 << (row & 7));
    this.count++;
  }
}

type Slots = BigInt64Array | BigUint64Array | Float64Array | Int32Array;

/** A column of fixed width: `place` writes one value, or says that it does not fit. */
function fixed<S extends Slots>(
  type: DataType,
  create: (length: number) => S,
  place: (slots: S, row: number, value: NonNullable<Value>) => boolean,
): ArrowColumn {
  return {
    type,
    fill(values, length) {
      const slots = create(length);
      const valid = new Bits(length);
      for (let row = 0; row < length; row++) {
        const value = values[row];
        if (value === null || value === undefined) continue;
        if (!place(slots, row, value)) return { misfit: row };
        valid.set(row);
      }
      return data(type, length, valid, { data: slots });
    },
  };
}

/** A column of any length per value, stored one after another. */
function variable(type: DataType, bytesOf: (value: NonNullable<Value>) => Uint8Array | undefined): ArrowColumn {
  return {
    type,
    fill(values, length) {
      const valueOffsets = new Int32Array(length + 1);
      const parts: Uint8Array[] = [];
      const valid = new Bits(length);
      for (let row = 0, end = 0; row < length; row++) {
        const value = values[row];
        if (value !== null && value !== undefined) {
          const bytes = bytesOf(value);
          if (!bytes) return { misfit: row };
          parts.push(bytes);
          end += bytes.length;
          valid.set(row);
        }
        valueOffsets[row + 1] = end;
      }
      return data(type, length, valid, { data: Buffer.concat(parts), valueOffsets });
    },
  };
}

function data(type: DataType, length: number, valid: Bits, buffers: object): Data {
  // makeData is typed for one concrete type at a time.
  return makeData({ type, length, nullCount: length - valid.count, nullBitmap: valid.bytes, ...buffers } as never);
}

const boolean: ArrowColumn = {
  type: new Bool(),
  fill(values, length) {
    const truths = new Bits(length);
    const valid = new Bits(length);
    for (let row = 0; row < length; row++) {
      const value = values[row];
      if (value === null || value === undefined) continue;
      if (typeof value !== "boolean") return { misfit: row };
      valid.set(row);
      if (value) truths.set(row);
    }
    return data(new Bool(), length, valid, { data: truths.bytes });
  },
};

/** A whole number; -0 is none. */
function integer(value: Value): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : undefined;
}

const int64 = fixed(
  new Int64(),
  (length) => new BigInt64Array(length),
  (slots, row, value) => {
    const whole = integer(value);
    if (whole === undefined || BigInt.asIntN(64, whole) !== whole) return false;
    slots[row] = whole;
    return true;
  },
);

const uint64 = fixed(
  new Uint64(),
  (length) => new BigUint64Array(length),
  (slots, row, value) => {
    const whole = integer(value);
    if (whole === undefined || BigInt.asUintN(64, whole) !== whole) return false;
    slots[row] = whole;
    return true;
  },
);

const float64 = fixed(
  new Float64(),
  (length) => new Float64Array(length),
  (slots, row, value) => {
    if (typeof value !== "number") return false;
    slots[row] = value;
    return true;
  },
);

function decimal(precision: number, scale: number): ArrowColumn {
  const text = new RegExp(`^-?\\d{0,${precision - scale}}(?:\\.(\\d{0,${scale}}))?$`);
  return fixed(
    new Decimal(scale, precision, 128),
    (length) => new BigUint64Array(length * 2),
    (slots, row, value) => {
      const written = typeof value === "string" ? value : scale === 0 ? integer(value)?.toString() : undefined;
      const match = written === undefined ? null : text.exec(written);
      if (!match || !/\d/.test(match[0])) return false;
      const unscaled = BigInt(match[0].replace(".", "") + "0".repeat(scale - (match[1]?.length ?? 0)));
      slots[row * 2] = BigInt.asUintN(64, unscaled);
      slots[row * 2 + 1] = BigInt.asUintN(64, unscaled >> 64n);
      return true;
    },
  );
}

const date = fixed(
  new DateDay(),
  (length) => new Int32Array(length),
  (slots, row, value) => {
    const moment = typeof value === "string" ? readMoment(value) : undefined;
    if (!moment || moment.micros !== undefined) return false;
    slots[row] = moment.days;
    return true;
  },
);

const time = fixed(
  new TimeMicrosecond(),
  (length) => new BigInt64Array(length),
  (slots, row, value) => {
    const micros = typeof value === "string" ? readTime(value) : undefined;
    if (micros === undefined) return false;
    slots[row] = BigInt(micros);
    return true;
  },
);

const timestamp = instant(new TimestampMicrosecond(), false);
const timestamptz = instant(new TimestampMicrosecond("UTC"), true);

function instant(type: DataType, zoned: boolean): ArrowColumn {
  return fixed(
    type,
    (length) => new BigInt64Array(length),
    (slots, row, value) => {
      const moment = typeof value === "string" ? readMoment(value) : undefined;
      if (moment?.micros === undefined || zoned !== (moment.offset !== undefined)) return false;
      slots[row] = BigInt(moment.days) * 86_400_000_000n + BigInt(moment.micros - (moment.offset ?? 0) * 1_000_000);
      return true;
    },
  );
}

const binary = variable(new Binary(), (value) => (value instanceof Uint8Array ? value : undefined));

const encoder = new TextEncoder();
const utf8 = variable(new Utf8(), (value) => encoder.encode(cellText(value)));

/** The types tried, in this order, for a column whose values are not what it declares, or that declares nothing. */
export const observedColumns: readonly ArrowColumn[] = [boolean, int64, float64, binary, utf8];

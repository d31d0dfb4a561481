import type { Column, Value } from "../contract/rows.ts";
import { cellText, isSafe } from "./cell.ts";

/** What SQLite stores. */
export type Stored = null | number | bigint | string | Uint8Array;

/** A type of a STRICT table; ANY takes every value as it is. */
export type SqliteType = "INTEGER" | "REAL" | "TEXT" | "BLOB" | "ANY";

/** How the values of one column are stored. */
export interface SqliteColumn {
  readonly type: SqliteType;
  /** The value as it is stored; `undefined` when the column's type cannot hold it. */
  store(value: NonNullable<Value>): Stored | undefined;
}

/** The type a column declares, as far as SQLite has it. */
export function declaredColumn({ type }: Column): SqliteColumn {
  switch (type) {
    case "boolean":
      return boolean;
    case "int":
    case "bigint":
      return integer;
    case "float":
      return real;
    case "bytes":
      return blob;
    case "unknown":
      return any;
    default:
      return text;
  }
}

/** How a column goes on that holds a value of another type. */
export function widened({ type }: Column): SqliteColumn {
  return type === "float" ? anyFloat : any;
}

const boolean: SqliteColumn = { type: "INTEGER", store: (value) => (typeof value === "boolean" ? Number(value) : undefined) };

const integer: SqliteColumn = {
  type: "INTEGER",
  store(value) {
    if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : undefined;
    return typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0) ? value : undefined;
  },
};

/** SQLite has no NaN, and a REAL column keeps no sign of zero. */
const real: SqliteColumn = {
  type: "REAL",
  store: (value) => (typeof value === "number" && !Number.isNaN(value) && !Object.is(value, -0) ? value : undefined),
};

const blob: SqliteColumn = { type: "BLOB", store: (value) => (value instanceof Uint8Array ? value : undefined) };

const text: SqliteColumn = {
  type: "TEXT",
  store: (value) =>
    typeof value === "string" || (typeof value === "object" && !(value instanceof Uint8Array)) ? cellText(value) : undefined,
};

const anyFloat: SqliteColumn = { type: "ANY", store: (value) => (typeof value === "number" ? floatValue(value) : any.store(value)) };

function floatValue(value: number): Stored {
  return Number.isNaN(value) ? "NaN" : value;
}

const any: SqliteColumn = {
  type: "ANY",
  store(value) {
    switch (typeof value) {
      case "number":
        // A number is bound as a float: a whole one would come back as one.
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : floatValue(value);
      case "bigint":
        return isSafe(value) || BigInt.asIntN(64, value) === value ? value : String(value);
      case "object":
        return value instanceof Uint8Array ? value : cellText(value);
      default:
        return String(value);
    }
  },
};

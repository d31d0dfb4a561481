/** What a column means, whatever the engine calls it. `nativeType` keeps the engine's own word. */
export type LogicalType =
  | "boolean"
  | "int"
  | "bigint"
  | "float"
  | "decimal"
  | "text"
  | "bytes"
  | "date"
  | "time"
  | "timestamp"
  | "timestamptz"
  | "interval"
  | "uuid"
  | "json"
  | "list"
  | "unknown";

/**
 * One cell, exact. Integers beyond 2^53 are `bigint`; decimals, dates, times, timestamps, intervals
 * and uuids are the engine's canonical text, never shifted by a time zone; `float` keeps NaN,
 * ±Infinity and -0; bytes are a `Uint8Array`; lists, structs and maps are arrays and records.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[] | { readonly [key: string]: Value };

/** A base-table column, as the engine names it. */
export interface ColumnRef {
  readonly schema?: string;
  readonly table: string;
  readonly column: string;
}

/** One output column. Names may repeat and may be empty: position is the identity. */
export interface Column {
  readonly name: string;
  readonly type: LogicalType;
  /** The engine's own type name, e.g. `DECIMAL(38,10)`; empty when the engine cannot say. */
  readonly nativeType: string;
  /** The table column this output came from; absent for expressions, or when the engine cannot say. */
  readonly origin?: ColumnRef;
}

/** A slice of a result, stored by column: `columns[c][r]` for `r < length`. */
export interface Batch {
  readonly length: number;
  readonly columns: readonly ArrayLike<Value>[];
}

/**
 * Rows on their way. One reader, one pass. Leaving the loop early, or disposing the stream, stops
 * the engine and frees the connection; columns are known before the first batch.
 */
export interface RowStream extends AsyncIterable<Batch>, AsyncDisposable {
  readonly columns: readonly Column[];
  /** Rows changed by a write; set once the stream has ended, absent for reads. */
  readonly affectedRows?: number;
}

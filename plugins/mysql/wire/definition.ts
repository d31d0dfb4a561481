import type { Cursor } from "./cursor.ts";

/** What the server says of one output column. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html */
export interface ColumnDefinition {
  readonly schema: string;
  /** The base table's own name; empty for expressions. */
  readonly table: string;
  readonly name: string;
  readonly column: string;
  readonly charset: number;
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly decimals: number;
  /** MariaDB's own word where the protocol has none, e.g. `uuid`, `inet6`, `point`, `json`. */
  readonly extended?: string;
}

/** The protocol's type codes this driver tells apart. */
export const typeCode = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  bit: 16,
  vector: 242,
  json: 245,
  newDecimal: 246,
  tinyBlob: 249,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

export const columnFlag = { unsigned: 0x20, zerofill: 0x40, enum: 0x100, set: 0x800 } as const;

/** The character set of bytes that are no text. */
export const binaryCharset = 63;

export function readDefinition(cursor: Cursor, extendedMetadata: boolean): ColumnDefinition {
  cursor.text();
  const schema = cursor.text();
  cursor.text();
  const table = cursor.text();
  const name = cursor.text();
  const column = cursor.text();
  const extended = extendedMetadata ? readExtended(cursor) : undefined;
  cursor.length();
  const charset = cursor.integer(2);
  const length = cursor.integer(4);
  const type = cursor.integer(1);
  const flags = cursor.integer(2);
  const decimals = cursor.integer(1);
  return { schema, table, name, column, charset, length, type, flags, decimals, ...(extended && { extended }) };
}

/** Pairs of a kind and a text: 0 is a type, 1 a format. */
function readExtended(cursor: Cursor): string | undefined {
  const length = cursor.length();
  const end = cursor.at + length;
  let found: string | undefined;
  while (cursor.at < end) {
    cursor.integer(1);
    found = cursor.text();
  }
  return found;
}

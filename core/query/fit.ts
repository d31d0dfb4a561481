import type { Batch, Value } from "../contract/rows.ts";

/** How much of a result somebody may have. */
export interface Room {
  readonly rows: number;
  readonly bytes: number;
}

/** How many rows of a batch fit, what they take, and what kept the next one out. */
export function fit(batch: Batch, room: Room): Room & { readonly cut: false | keyof Room } {
  const rows = Math.min(batch.length, room.rows);
  const full = batch.length > rows ? "rows" : false;
  if (room.bytes === Number.POSITIVE_INFINITY) return { rows, bytes: 0, cut: full };
  let bytes = 0;
  for (let row = 0; row < rows; row++) {
    const size = batch.columns.reduce((sum, column) => sum + sizeOf(column[row] ?? null), 0);
    if (bytes + size > room.bytes) return { rows: row, bytes, cut: "bytes" };
    bytes += size;
  }
  return { rows, bytes, cut: full };
}

/** The bytes of a value: text as UTF-8, numbers as eight, what is nested as the sum of its parts. */
function sizeOf(value: Value): number {
  if (value === null) return 0;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "boolean") return 1;
  if (typeof value !== "object") return 8;
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.reduce((sum: number, part: Value) => sum + sizeOf(part), 0);
  return Object.entries(value).reduce((sum, [key, part]) => sum + Buffer.byteLength(key) + sizeOf(part), 0);
}

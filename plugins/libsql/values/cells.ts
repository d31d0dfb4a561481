import type { Column, Value } from "../../../core/contract/rows.ts";
import type { Cell } from "../engine.ts";
import { refusal } from "../refusal.ts";

/** How the cells of one result are to be read. */
export interface Cells {
  readonly columns: readonly Column[];
  /** Whether text came as its bytes and bytes as hexadecimal text; see `sql/exact.ts`. */
  readonly exact: boolean;
  /** What text is kept in, as `TextDecoder` names it. */
  readonly encoding: string;
}

/** Reads one column's cells as values. @throws UNSUPPORTED for text that is not Unicode */
export function cellReader({ columns, exact, encoding }: Cells, column: number): (cell: Cell) => Value {
  const isBoolean = columns[column]?.type === "boolean";
  const text = textDecoder(encoding, columns[column]?.name ?? "");
  return (cell) => {
    if (typeof cell === "bigint") return integer(cell, isBoolean);
    if (!exact) return cell;
    if (typeof cell === "string") return new Uint8Array(Buffer.from(cell, "hex"));
    return cell instanceof Uint8Array ? text(cell) : cell;
  };
}

/** SQLite keeps a boolean as 0 or 1. Everything else a boolean column may hold stays what it is. */
export function integer(cell: bigint, isBoolean: boolean): boolean | number | bigint {
  const number = Number(cell);
  if (!Number.isSafeInteger(number)) return cell;
  return isBoolean && (number === 0 || number === 1) ? number === 1 : number;
}

/** Decodes text of one column. Anything that is not Unicode is refused rather than replaced. */
export function textDecoder(encoding: string, column: string): (bytes: Uint8Array) => string {
  const strict = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return strict.decode(bytes);
    } catch (cause) {
      throw brokenText(column, cause);
    }
  };
}

export function brokenText(column: string, cause?: unknown): Error {
  const message = `Column "${column}" holds text that is not valid Unicode, and it cannot be read exactly`;
  return refusal({ code: "UNSUPPORTED", message, hint: `Read its bytes with hex("${column.replaceAll('"', '""')}")` }, cause);
}

import type { Params } from "../../core/contract/driver.ts";
import type { Column } from "../../core/contract/rows.ts";
import { bindable } from "./parameters.ts";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";
import { type Cell, type Steps, startSteps } from "./steps.ts";

/** Throws unless a text with U+FFFD in it is what the database holds at that row and column, both from 0. */
export type TextProof = (row: number, column: number, text: string) => void;

/**
 * Takes the text of exactly one statement. `node:sqlite` reads broken UTF-8 as U+FFFD and tells nobody. When such a character turns up, the
 * statement is run a second time beside the first, as bytes, inside the same read transaction.
 */
export function createTextProof(session: Session, sql: string, params: Params, columns: readonly Column[]): TextProof {
  let bytes: Steps | undefined;
  let cells: readonly Cell[] | undefined;
  let reached = -1;
  let decoder: TextDecoder | undefined;
  return (row, column, text) => {
    const { name = "" } = columns[column] ?? {};
    try {
      bytes ??= startBytes(session, sql, params, columns.length);
      decoder ??= new TextDecoder(encodingOf(session), { fatal: true, ignoreBOM: true });
      for (; reached < row; reached++) cells = bytes.next();
      const cell = cells?.[column];
      if (cell instanceof Uint8Array && decoder.decode(cell) === text) return;
    } catch (error) {
      throw unproved(name, error);
    }
    throw unproved(name);
  };
}

/** Proves every text of some rows. */
export function proveTexts(rows: readonly (readonly Cell[])[], proof: TextProof): void {
  for (const [row, cells] of rows.entries()) {
    for (const [column, cell] of cells.entries()) if (typeof cell === "string" && cell.includes("\ufffd")) proof(row, column, cell);
  }
}

function startBytes(session: Session, sql: string, params: Params, width: number): Steps {
  const names = Array.from({ length: width }, (_, index) => `c${index}`);
  const body = sql.replace(/;$/, "");
  const twin = `with tidegate (${names.join()}) as (\n${body}\n) select ${names.map((name) => `cast(${name} as blob)`).join()} from tidegate`;
  const { statement } = session.prepare(twin);
  return startSteps(session, statement, bindable(statement, twin, params));
}

function encodingOf({ database, trusted }: Session): string {
  const [encoding] = trusted(() => database.prepare("pragma encoding").get()) as unknown as [string];
  return encoding;
}

function unproved(column: string, cause?: unknown): Error {
  const message = `Column "${column}" holds text that may not be valid Unicode, and it cannot be read exactly`;
  return refusal({ code: "UNSUPPORTED", message, hint: `Read its bytes with hex("${column}") or cast("${column}" as blob)` }, cause);
}

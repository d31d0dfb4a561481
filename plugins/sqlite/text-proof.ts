import type { Params } from "../../core/contract/driver.ts";
import type { Column } from "../../core/contract/rows.ts";
import { bindable } from "./parameters.ts";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";
import { type Cell, type Steps, startSteps } from "./steps.ts";

const mostHint = 300;

/** Stands for the exactness of texts with U+FFFD in them. */
export interface TextProof {
  /** Throws unless the database holds this very text at that row and column, both from 0. Rows may only go up. */
  check(row: number, column: number, text: string): void;
  close(): void;
}

/**
 * `node:sqlite` reads broken UTF-8 as U+FFFD and tells nobody. When such a character turns up, the
 * statement runs a second time beside the first, as bytes, inside the same read transaction.
 */
export function createTextProof(session: Session, statement: string, params: Params, columns: readonly Column[]): TextProof {
  let bytes: Steps | undefined;
  let cells: readonly Cell[] | undefined;
  let reached = -1;
  const cellAt = (row: number, column: number): Cell | undefined => {
    bytes ??= startBytes(session, statement, params, columns.length);
    for (; reached < row; reached++) cells = bytes.next();
    return cells?.[column];
  };
  return {
    check(row, column, text) {
      if (!isExactly(session, () => cellAt(row, column), text)) throw unproved(session, statement, columns, column);
    },
    close: () => bytes?.close(),
  };
}

function isExactly(session: Session, read: () => Cell | undefined, text: string): boolean {
  try {
    const cell = read();
    return cell instanceof Uint8Array && new TextDecoder(encodingOf(session), { fatal: true, ignoreBOM: true }).decode(cell) === text;
  } catch {
    // A statement that cannot run as bytes proves nothing, and neither do bytes that are no text.
    return false;
  }
}

/** Proves every text of some rows. */
export function proveTexts(rows: readonly (readonly Cell[])[], proof: TextProof): void {
  for (const [row, cells] of rows.entries()) {
    for (const [column, cell] of cells.entries()) if (typeof cell === "string" && cell.includes("\ufffd")) proof.check(row, column, cell);
  }
}

function startBytes(session: Session, statement: string, params: Params, width: number): Steps {
  const names = Array.from({ length: width }, (_, index) => `c${index}`);
  const twin = `with tidegate (${names.join()}) as (\n${statement.replace(/;$/, "")}\n) select ${names.map((name) => `cast(${name} as blob)`).join()} from tidegate`;
  const prepared = session.prepare(twin).statement;
  return startSteps(session, prepared, bindable(prepared, twin, params));
}

function encodingOf({ database, trusted }: Session): string {
  const [encoding] = trusted(() => database.prepare("pragma encoding").get()) as unknown as [string];
  return encoding;
}

function unproved(session: Session, statement: string, columns: readonly Column[], column: number): Error {
  const name = columns[column]?.name ?? "";
  const message = `Column "${name}" holds text that may not be valid Unicode, and it cannot be read exactly`;
  const alike = columns.filter((other) => other.name.toLowerCase() === name.toLowerCase());
  const hint =
    alike.length > 1 ? "Give the columns names of their own, and read this one with hex(…)" : bytesHint(session, statement, name);
  return refusal({ code: "UNSUPPORTED", message, hint });
}

/** The whole statement that reads the bytes, where it is short and does run; the name may be an alias, which only a query around it can use. */
function bytesHint(session: Session, statement: string, name: string): string {
  const bytes = `select hex("${name.replaceAll('"', '""')}") from`;
  const whole = `${bytes} (${statement.replace(/;$/, "")})`;
  const shown = whole.length <= mostHint && !/[\r\n]|--/.test(whole) && reads(session, whole);
  return shown ? `Read its bytes: ${whole}` : `Read its bytes: ${bytes} (…), with the query in the parentheses`;
}

function reads(session: Session, sql: string): boolean {
  try {
    return session.examine(sql).every(({ kind }) => kind === "read");
  } catch {
    // A write, or a pragma, cannot stand in a query.
    return false;
  }
}

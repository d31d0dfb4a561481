import type { Params } from "../../core/contract/driver.ts";
import { diagnose, located } from "./diagnose.ts";
import { isRefusal, outcomeUnknown, refusal } from "./refusal.ts";
import { fitting, type Session } from "./session.ts";
import { type Piece, positional } from "./sql/statements.ts";
import { encodeParameters } from "./values/parameters.ts";
import { type Answer, executeCommand, isServerError } from "./wire/protocol.ts";
import type { Work } from "./work.ts";

/** A statement whose answer has begun to arrive. */
export interface Started extends Answer {
  readonly work: Work;
  readonly piece: Piece;
}

/** Starts one statement: a read inside a transaction that cannot write, a write as it is. */
export async function startPiece(session: Session, piece: Piece, params: Params, signal: AbortSignal): Promise<Started> {
  signal.throwIfAborted();
  const text = positional(piece, params);
  const work = await session.begin(signal, session.readOnly || piece.kind === "read");
  let sent = false;
  try {
    if (piece.kind !== "unknown") passGate(session, piece);
    const statement = await session.prepare(work, text.sql).catch((error) => {
      // An error in the SQL says more than a refusal, and preparing runs nothing.
      if (isServerError(error) && diagnose(error)?.code !== "SQL_INVALID") passGate(session, piece);
      throw error;
    });
    passGate(session, piece);
    const command = executeCommand(statement, encodeParameters(text.values, statement.parameters));
    fitting(command, session.mostPacketBytes);
    signal.throwIfAborted();
    sent = true;
    const answer = await work.start(command);
    signal.throwIfAborted();
    return { ...answer, work, piece };
  } catch (error) {
    throw await failed(error, work, piece, sent && session.commits);
  }
}

/**
 * Frees the connection after an error, and says what the error was: the caller's own leaving comes first.
 * What a statement changed may be kept already where the server `commits` it by itself.
 */
export async function failed(error: unknown, work: Work, piece: Piece, commits = false): Promise<unknown> {
  if (isServerError(error)) work.finished();
  await work.end();
  if (work.signal.aborted) return work.signal.reason;
  return commits && piece.kind !== "read" && isLoss(error) ? outcomeUnknown("the statement ran", error) : located(error, piece);
}

/** A proxy reports the loss of its own connection to the server as an error: 2006 and 2013. */
function isLoss(error: unknown): boolean {
  if (isServerError(error)) return error.errno === 2006 || error.errno === 2013;
  return isRefusal(error) && error.diagnosis.code === "CONNECTION_FAILED";
}

/** The server's read-only transaction lets variables, locks, files and temporary tables through. */
function passGate({ readOnly }: Session, { kind }: Piece): void {
  if (!readOnly || kind === "read") return;
  const message =
    kind === "unknown"
      ? "Cannot run this statement: the connection is read-only, and it is not certain that it only reads"
      : "Cannot run this statement: the connection is read-only";
  throw refusal({ code: "POLICY_DENIED", message, hint: "Open the connection for writing" });
}

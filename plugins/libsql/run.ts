import type { Params } from "../../core/contract/driver.ts";
import { diagnoseWrite } from "./diagnose.ts";
import type { Args, Engine, Session } from "./engine.ts";
import { isEngineError, movedBy } from "./engine-error.ts";
import { refusal } from "./refusal.ts";
import { allRows, finishedReader, type RowSource } from "./rows.ts";
import { exactQuery, exactReturning, returningAt } from "./sql/exact.ts";
import { type Examined, examine } from "./sql/examine.ts";
import { type Kind, kindOfWords } from "./sql/kind.ts";
import { onePiece, type Piece } from "./sql/statements.ts";
import { cellReader } from "./values/cells.ts";
import { inOrder } from "./values/parameters.ts";

/** Where a caller's statements run, and what they may do there. */
export interface Workplace {
  readonly engine: Engine;
  /** The engine itself, or a transaction of it. */
  readonly session: Session;
  readonly readOnly: boolean;
}

interface Work {
  readonly piece: Piece;
  readonly args: Args;
  readonly signal: AbortSignal;
}

/** Runs a statement that gives no rows, or writes, to its end; starts one that reads. */
export async function start(place: Workplace, sql: string, params: Params, signal: AbortSignal): Promise<RowSource> {
  const piece = onePiece(sql);
  const examined = await allowed(place, piece, signal);
  const work = { piece, args: inOrder(piece, params), signal };
  try {
    return await started(place, work, examined);
  } catch (error) {
    const denied = !place.readOnly && isEngineError(error) ? diagnoseWrite(error) : undefined;
    throw denied === undefined ? movedBy(error, piece.start) : refusal(denied, error);
  }
}

/** The gate of this driver: nothing but a read reaches the engine of a reader. */
export async function allowed({ engine, session, readOnly }: Workplace, piece: Piece, signal: AbortSignal): Promise<Examined> {
  const words = kindOfWords(piece, engine.facts);
  // What has an unknown first word, the engine explains better.
  if (readOnly && words !== "unknown") refuseWrite(words);
  const examined = await examine(session, piece, signal);
  if (readOnly) refuseWrite(examined.kind);
  if (session === engine || examined.kind !== "session") return examined;
  const message = "Cannot run this statement in a transaction";
  throw refusal({ code: "UNSUPPORTED", message, hint: "Commit or roll back the transaction itself" });
}

function refuseWrite(kind: Kind): void {
  if (kind === "read") return;
  const message = "Cannot run this statement: the connection is read-only";
  throw refusal({ code: "POLICY_DENIED", message, hint: "Open the connection for writing" });
}

async function started(place: Workplace, work: Work, { kind, query, names }: Examined): Promise<RowSource> {
  const { session, engine } = place;
  const { piece, args, signal } = work;
  const { encoding } = engine.facts;
  if (query) {
    const reader = await session.read(piece.sql, args, { signal, rewritten: ({ length }) => exactQuery(piece, length) });
    return { reader, columns: reader.columns, exact: true, encoding };
  }
  const list = returningAt(piece);
  if (names?.length !== 0 && list !== undefined) return returning(place, work, list);
  if (names?.length !== 0) {
    const reader = await session.read(piece.sql, args, { signal, writes: kind !== "read" });
    return { reader, columns: reader.columns, exact: false, encoding };
  }
  const changed = await session.write(piece.sql, args, signal);
  return { reader: finishedReader([], []), columns: [], exact: false, encoding, ...(kind === "write" && { affectedRows: changed }) };
}

/** What a write returns is checked before the write is kept: a failed call has written nothing. */
async function returning({ engine, session }: Workplace, { piece, args, signal }: Work, list: number): Promise<RowSource> {
  const scope = session === engine ? await engine.begin({ readOnly: false, signal }) : undefined;
  try {
    const reader = await (scope ?? session).read(piece.sql, args, {
      signal,
      writes: true,
      rewritten: (columns) =>
        exactReturning(
          piece,
          list,
          columns.map(({ name }) => name),
        ),
    });
    const rows = await allRows(reader);
    const source = { reader: finishedReader(reader.columns, rows), columns: reader.columns, exact: true, encoding: engine.facts.encoding };
    const readers = source.columns.map((_, index) => cellReader(source, index));
    for (const row of rows) for (const [index, cell] of row.entries()) readers[index]?.(cell);
    await scope?.commit(signal);
    return { ...source, affectedRows: rows.length };
  } catch (error) {
    await scope?.rollback();
    throw error;
  }
}

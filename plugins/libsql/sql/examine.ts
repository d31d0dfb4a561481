import type { Session } from "../engine.ts";
import { movedBy } from "../engine-error.ts";
import { isPragma, isQuery, type Kind, kindOfWords, stronger } from "./kind.ts";
import { explained, type Piece, piecesOf } from "./statements.ts";

export interface Examined {
  readonly kind: Kind;
  /** True for a query that only reads, so that it may stand in another one. */
  readonly query: boolean;
  /** Names of the columns it returns; unknown for a pragma, which the engine must not see before it may run. */
  readonly names?: readonly string[];
}

/** What one statement is, by its words and by what the engine makes of it. Nothing takes effect. */
export async function examine(session: Session, piece: Piece, signal: AbortSignal): Promise<Examined> {
  const words = kindOfWords(piece, session.facts);
  if (isPragma(piece)) return { kind: words, query: false };
  const plain = piece.sql.slice(explained(piece.tokens)[0]?.start ?? piece.sql.length);
  try {
    const { columns, readOnly } = await session.describe(piece.sql, signal);
    const reads = plain === piece.sql ? readOnly : (await session.describe(plain, signal)).readOnly;
    return { kind: stronger(words, reads ? "read" : "write"), query: isQuery(piece) && reads, names: columns.map(({ name }) => name) };
  } catch (error) {
    throw movedBy(error, piece.start);
  }
}

/** The kind of each statement in a text. */
export async function kindsOf(session: Session, sql: string, signal: AbortSignal): Promise<Kind[]> {
  const kinds: Kind[] = [];
  for (const [index, piece] of piecesOf(sql).entries()) {
    const found = examine(session, piece, signal);
    // A later statement may need what an earlier one makes, and nothing has run: it stays unknown.
    const { kind } = index === 0 ? await found : await found.catch(() => ({ kind: "unknown" as const }));
    kinds.push(kind);
  }
  return kinds;
}

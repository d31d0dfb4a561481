import { connectionLost } from "./refusal.ts";
import { failed, type Started } from "./run.ts";
import type { Session } from "./session.ts";
import { isEnd } from "./wire/protocol.ts";

/** What becomes of the rows of an answer: pieces of one kind, each as large as is worth handing on. */
export interface Gatherer<Piece> {
  readonly full: boolean;
  /** Adds the row that stands in these bytes. */
  row(bytes: Buffer, start: number, end: number): void;
  /** Hands over what has been gathered; `undefined` when that is nothing. */
  take(): Piece | undefined;
}

/** Reads an answer to its end, or until its reader leaves: then the server stops. One reader, one pass. */
export function readPieces<Piece>(
  { packets, commits }: Session,
  { work, piece, rows }: Started,
  gatherer: Gatherer<Piece>,
): AsyncIterable<Piece> & AsyncDisposable {
  let open = rows;
  const next = async (): Promise<Piece | undefined> => {
    while (!gatherer.full) {
      if (work.ended) throw connectionLost();
      if (!packets.advance()) {
        await packets.more();
        continue;
      }
      if (isEnd(packets)) {
        work.finished();
        open = false;
        break;
      }
      gatherer.row(packets.bytes, packets.start, packets.end);
    }
    return gatherer.take();
  };
  return {
    async *[Symbol.asyncIterator]() {
      try {
        while (open) {
          const gathered = await next();
          work.signal.throwIfAborted();
          if (gathered !== undefined) yield gathered;
          work.signal.throwIfAborted();
        }
      } catch (error) {
        open = false;
        throw await failed(error, work, piece, commits);
      } finally {
        open = false;
        await work.end();
      }
    },
    async [Symbol.asyncDispose]() {
      open = false;
      await work.end();
    },
  };
}

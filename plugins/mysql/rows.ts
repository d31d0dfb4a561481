import type { Batch, RowStream, Value } from "../../core/contract/rows.ts";
import { connectionLost } from "./refusal.ts";
import { failed, type Started } from "./run.ts";
import type { Session } from "./session.ts";
import { RowDecoder } from "./values/row-decoder.ts";
import { toColumn } from "./values/types.ts";
import { isEnd } from "./wire/protocol.ts";

/** A batch ends here even when it could hold more rows, so that wide rows stay flat too. */
const mostBatchBytes = 8 * 2 ** 20;

export function createRowStream({ packets }: Session, started: Started, batchSize: number): RowStream {
  const { work, piece, columns, rows } = started;
  let open = rows;
  const decoder = new RowDecoder(columns);
  const nextBatch = async (): Promise<Batch> => {
    const cells: Value[][] = columns.map(() => []);
    let length = 0;
    for (let bytes = 0; length < batchSize && bytes < mostBatchBytes; ) {
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
      decoder.read(packets.bytes, packets.start, cells);
      bytes += packets.end - packets.start;
      length++;
    }
    return { length, columns: cells };
  };
  return {
    columns: columns.map(toColumn),
    ...(!rows && { affectedRows: started.affectedRows }),
    async *[Symbol.asyncIterator]() {
      try {
        while (open) {
          const batch = await nextBatch();
          work.signal.throwIfAborted();
          if (batch.length > 0) yield batch;
          work.signal.throwIfAborted();
        }
      } catch (error) {
        open = false;
        throw await failed(error, work, piece);
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

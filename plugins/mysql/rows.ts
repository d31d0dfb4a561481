import type { Params, QueryOptions } from "../../core/contract/driver.ts";
import type { Batch, RowStream, Value } from "../../core/contract/rows.ts";
import { type Gatherer, readPieces } from "./answer.ts";
import { type Started, startPiece } from "./run.ts";
import type { Session } from "./session.ts";
import type { Piece } from "./sql/statements.ts";
import { RowDecoder } from "./values/row-decoder.ts";
import { toColumn } from "./values/types.ts";

/** A batch ends here even when it could hold more rows, so that wide rows stay flat too. */
const mostBatchBytes = 8 * 2 ** 20;

/** Runs one statement; what gives no rows is over, and the connection free, before anybody reads. */
export async function queryRows(session: Session, piece: Piece, params: Params, options: QueryOptions): Promise<RowStream> {
  const started = await startPiece(session, piece, params, options.signal);
  if (!started.rows) await started.work.end();
  return createRowStream(session, started, options.batchSize);
}

export function createRowStream(session: Session, started: Started, batchSize: number): RowStream {
  const { columns, rows, affectedRows } = started;
  return {
    columns: columns.map(toColumn),
    ...(!rows && { affectedRows }),
    ...readPieces(session, started, batches(started, batchSize)),
  };
}

function batches({ columns }: Started, batchSize: number): Gatherer<Batch> {
  const decoder = new RowDecoder(columns);
  const none = (): Value[][] => columns.map(() => []);
  let cells = none();
  let length = 0;
  let bytesRead = 0;
  return {
    get full() {
      return length >= batchSize || bytesRead >= mostBatchBytes;
    },
    row(bytes, start, end) {
      decoder.read(bytes, start, cells);
      bytesRead += end - start;
      length++;
    },
    take() {
      if (length === 0) return undefined;
      const batch = { length, columns: cells };
      cells = none();
      length = 0;
      bytesRead = 0;
      return batch;
    },
  };
}

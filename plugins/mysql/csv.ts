import type { CsvStream } from "../../core/contract/driver.ts";
import { connectionLost } from "./refusal.ts";
import { failed, type Started } from "./run.ts";
import type { Session } from "./session.ts";
import { CsvWriter } from "./values/csv-writer.ts";
import { toColumn } from "./values/types.ts";
import { isEnd } from "./wire/protocol.ts";

/** A result as CSV straight from the bytes of its packets: a text is copied from one buffer to the other. */
export function createCsvStream({ packets }: Session, { work, piece, columns, rows }: Started): CsvStream {
  const writer = new CsvWriter(columns);
  let open = rows;
  const nextChunk = async (): Promise<Uint8Array | undefined> => {
    while (!writer.full) {
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
      writer.row(packets.bytes, packets.start);
    }
    return writer.take();
  };
  return {
    columns: columns.map(toColumn),
    get rows() {
      return writer.rows;
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (open) {
          const chunk = await nextChunk();
          work.signal.throwIfAborted();
          if (chunk !== undefined) yield chunk;
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

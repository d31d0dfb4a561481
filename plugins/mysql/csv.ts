import type { CsvStream } from "../../core/contract/driver.ts";
import { readPieces } from "./answer.ts";
import type { Started } from "./run.ts";
import type { Session } from "./session.ts";
import { CsvWriter } from "./values/csv-writer.ts";
import { toColumn } from "./values/types.ts";

/** A result as CSV straight from the bytes of its packets: a text is copied from one buffer to the other. */
export function createCsvStream(session: Session, started: Started): CsvStream {
  const writer = new CsvWriter(started.columns);
  return {
    ...readPieces(session, started, writer),
    columns: started.columns.map(toColumn),
    get rows() {
      return writer.rows;
    },
  };
}

import { formatNamed } from "../core/app.ts";
import type { QueryStream } from "../core/query/run.ts";
import type { Io } from "./io.ts";

/** Prints rows to their end, and closes them. */
export async function printRows(stream: QueryStream, { format }: { readonly format?: string }, io: Io): Promise<void> {
  await using rows = stream;
  const exporter = formatNamed(format ?? (io.terminal === undefined ? "csv" : "table"));
  for await (const chunk of exporter.encode(rows, { signal: io.signal, tempFolder: "", ...(io.terminal && { terminal: io.terminal }) })) {
    await io.out(chunk);
    if (io.closed) return;
  }
  if (rows.affectedRows !== undefined) io.note(`${rows.affectedRows} ${rows.affectedRows === 1 ? "row" : "rows"} affected`);
  if (rows.passed.cut !== false) io.note(`Stopped after ${rows.passed.rows} rows: there are more`);
}

import type { CsvStream } from "./driver.ts";
import type { RowStream } from "./rows.ts";

export interface EncodeOptions {
  readonly signal: AbortSignal;
  /** A private folder for staging; emptied by whoever made it. */
  readonly tempFolder: string;
  /** True when a person reads the output: colours, widths and rulers are welcome. */
  readonly terminal?: { readonly width: number; readonly colour: boolean };
}

/** One way to write rows as bytes. Memory stays flat in the number of rows. */
export interface Exporter {
  readonly format: string;
  /** File name endings without the dot. */
  readonly extensions: readonly string[];
  /** True when the bytes are no text: not for a terminal, and never compressed a second time. */
  readonly binary?: boolean;
  /** Yields bytes as rows arrive; stopping early stops the stream. Zero rows still yield the columns. */
  encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array>;
  /** The same, faster, from the CSV of an engine whose columns are typed, in any spelling. */
  encodeCsv?(csv: CsvStream, options: EncodeOptions): AsyncIterable<Uint8Array>;
}

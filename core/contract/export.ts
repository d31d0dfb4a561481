import type { CsvStream } from "./driver.ts";
import type { RowStream } from "./rows.ts";

export interface EncodeOptions {
  readonly signal: AbortSignal;
  /** A private folder for staging; emptied by whoever made it. */
  readonly tempFolder: string;
  /** True when a person reads the output: colours, widths and rulers are welcome. */
  readonly terminal?: { readonly width: number; readonly colour: boolean };
  /** What the result is called, for formats that name a table or a title; absent means `result`. */
  readonly name?: string;
  /** The program that writes, with its version, for formats that have a place for it. */
  readonly writer?: string;
  /** Told, once for each, what the format holds instead of a type or value it has no place for. */
  note?(text: string): void;
}

/** One way to write rows as bytes. Memory stays flat in the number of rows. */
export interface Exporter {
  readonly format: string;
  /** File name endings without the dot. */
  readonly extensions: readonly string[];
  /** True when the bytes are no text: not for a terminal, and never compressed a second time. */
  readonly binary?: boolean;
  /** True when its bytes come only after the last row: nobody can say on the way how large it gets. */
  readonly staged?: boolean;
  /** Yields bytes as rows arrive; stopping early stops the stream. Zero rows still yield the columns. */
  encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array>;
  /** The same, faster, from the CSV of an engine whose columns are typed, in any spelling. */
  encodeCsv?(csv: CsvStream, options: EncodeOptions): AsyncIterable<Uint8Array>;
}

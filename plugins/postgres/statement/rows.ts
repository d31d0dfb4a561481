import type { QueryOptions } from "../../../core/contract/driver.ts";
import type { Batch, Column, RowStream, Value } from "../../../core/contract/rows.ts";
import type { Decoder } from "../values/decode.ts";
import { execute } from "../wire/messages.ts";
import { readCount } from "../wire/replies.ts";
import { tag, type Wire } from "../wire/wire.ts";
import type { Work } from "../work.ts";

/** Without a name: whatever ends the work closes it. */
export const portal = "";

/** From this batch on the next one is asked for ahead: whoever reads so much is likely to read on. */
const aheadFrom = 3;

export interface RowSource {
  readonly work: Work;
  readonly columns: readonly Column[];
  readonly decoders: readonly Decoder[];
  /** True on a connection that writes: what was done is kept. */
  readonly keeps: boolean;
}

/** Rows of a portal that is open and was asked for its first batch. */
export class PortalRows implements RowStream {
  readonly columns: readonly Column[];
  affectedRows?: number;
  readonly #source: RowSource;
  readonly #options: QueryOptions;
  #first: Batch | undefined;
  #done = false;
  #asked = true;
  #batches = 0;
  #failure = false;

  constructor(source: RowSource, options: QueryOptions) {
    this.#source = source;
    this.#options = options;
    this.columns = source.columns;
  }

  /** Waits for the first batch: a write has then done its work. */
  async begun(): Promise<void> {
    this.#first = await this.#next();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    let failed = true;
    try {
      for (let batch = await this.#take(); batch.length > 0; batch = await this.#take()) {
        yield batch;
        this.#options.signal.throwIfAborted();
      }
      failed = false;
      await this.#end(true);
    } finally {
      // Leaving the loop is no failure; an error, or a caller who has gone, undoes what was written.
      await this.#end(!(failed && (this.#options.signal.aborted || this.#failure)));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end(!this.#options.signal.aborted && !this.#failure);
  }

  async #take(): Promise<Batch> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? (await this.#next());
  }

  async #next(): Promise<Batch> {
    if (this.#done) return { length: 0, columns: [] };
    this.#options.signal.throwIfAborted();
    try {
      if (!this.#asked) this.#ask();
      const batch = await this.#read();
      if (!this.#done && !this.#source.keeps && ++this.#batches >= aheadFrom) this.#ask();
      return batch;
    } catch (error) {
      this.#failure = true;
      throw error;
    }
  }

  #ask(): void {
    const { work } = this.#source;
    work.request(execute(portal, this.#options.batchSize));
    work.running = true;
    this.#asked = true;
  }

  async #read(): Promise<Batch> {
    const { work, decoders } = this.#source;
    const columns: Value[][] = decoders.map(() => []);
    let length = 0;
    while (true) {
      const type = work.arrived() ?? (await work.reply());
      if (type === tag.dataRow) decodeRow(work.wire, decoders, columns, length++);
      else if (type === tag.portalSuspended) break;
      else if (type === tag.commandComplete || type === tag.emptyQuery) {
        const affected = readCount(work.wire.bytes, work.wire.start, work.wire.end);
        if (affected !== undefined) this.affectedRows = affected;
        this.#done = true;
        break;
      }
    }
    this.#asked = false;
    work.running = false;
    return { length, columns };
  }

  async #end(well: boolean): Promise<void> {
    this.#done = true;
    this.#first = undefined;
    await this.#source.work.end(well && this.#source.keeps ? "COMMIT" : "ROLLBACK");
  }
}

/** Reads the cells of the data row the wire stands at into the columns. */
export function decodeRow({ bytes, start }: Wire, decoders: readonly Decoder[], columns: readonly Value[][], row: number): void {
  let at = start + 2;
  for (let index = 0; index < decoders.length; index++) {
    const length = bytes.readInt32BE(at);
    at += 4;
    const column = columns[index] as Value[];
    if (length === -1) column[row] = null;
    else {
      column[row] = (decoders[index] as Decoder)(bytes, at, at + length);
      at += length;
    }
  }
}

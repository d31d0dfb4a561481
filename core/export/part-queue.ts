/** What waits for its turn in memory, over all parts; a part that nobody waits for adds no more beyond it. */
const mostHeld = 16 * 2 ** 20;
/** Chunks of the part whose turn it is that may wait for the reader. */
const mostAhead = 4;

interface Part {
  readonly chunks: Uint8Array[];
  finished: boolean;
}

/** Parts that several read at once, put into their order again. Memory is bounded by what may wait. */
export class PartQueue {
  readonly #count: number;
  readonly #parts = new Map<number, Part>();
  #next = 0;
  #head = 0;
  #held = 0;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** The next part to read; `undefined` when there is none, or nobody wants it any more. */
  async next(): Promise<number | undefined> {
    while (!this.#closed && this.#next < this.#count && this.#held >= mostHeld) await this.#change();
    if (this.#closed || this.#next >= this.#count) return undefined;
    this.#parts.set(this.#next, { chunks: [], finished: false });
    return this.#next++;
  }

  /** Adds to a part, once there is room; says no when nobody wants it any more. */
  async put(number: number, chunk: Uint8Array): Promise<boolean> {
    const part = this.#parts.get(number);
    const full = () => (number === this.#head ? (part?.chunks.length ?? 0) >= mostAhead : this.#held >= mostHeld);
    while (!this.#closed && full()) await this.#change();
    if (this.#closed) return false;
    part?.chunks.push(chunk);
    this.#held += chunk.length;
    this.#changed();
    return true;
  }

  finish(number: number): void {
    const part = this.#parts.get(number);
    if (part !== undefined) part.finished = true;
    this.#changed();
  }

  /** Ends the reading with an error; only the first is told. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  /** Lets everybody who waits here go. */
  close(): void {
    this.#closed = true;
    this.#changed();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    while (this.#head < this.#count) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const part = this.#parts.get(this.#head);
      const chunk = part?.chunks.shift();
      if (chunk !== undefined) {
        this.#held -= chunk.length;
        this.#changed();
        yield chunk;
      } else if (part?.finished) {
        this.#parts.delete(this.#head++);
        this.#changed();
      } else await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

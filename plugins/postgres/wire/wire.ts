import type { Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";
import { refusal } from "../refusal.ts";

/** Beyond this much unread, the socket is paused: memory stays flat however slow the reader is. */
const mostUnread = 1024 * 1024;

/** How long a server may take to hang up. */
const closeMillis = 1000;

export const tag = {
  parseComplete: 0x31,
  bindComplete: 0x32,
  notification: 0x41,
  commandComplete: 0x43,
  dataRow: 0x44,
  error: 0x45,
  copyIn: 0x47,
  copyOut: 0x48,
  emptyQuery: 0x49,
  notice: 0x4e,
  parameterStatus: 0x53,
  rowDescription: 0x54,
  ready: 0x5a,
  copyDone: 0x63,
  copyData: 0x64,
  noData: 0x6e,
  portalSuspended: 0x73,
  parameterDescription: 0x74,
} as const;

/** Messages a server may send at any moment, and nobody here waits for. */
const asides: ReadonlySet<number> = new Set([tag.notice, tag.parameterStatus, tag.notification]);

/**
 * The messages that arrive on a socket, read one at a time and only when asked for. After `take`
 * says yes, `type`, `start` and `end` say what stands in `bytes`, until the next `take` or `fill`.
 */
export class Wire {
  type = 0;
  start = 0;
  end = 0;
  bytes: Buffer = Buffer.alloc(0);
  readonly #socket: Socket;
  #at = 0;
  #chunks: Buffer[] = [];
  #unread = 0;
  #needed = 0;
  #wake: (() => void) | undefined;
  #lost: Error | undefined;

  /** Takes the socket over from whoever reads it now. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => this.#arrived(chunk));
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end());
  }

  get ended(): boolean {
    return this.#lost !== undefined;
  }

  send(...messages: readonly Buffer[]): void {
    // What was lost is told by the next read, after the server's own last word.
    if (this.#lost === undefined) this.#socket.write(Buffer.concat(messages));
  }

  /** Moves to the next whole message that has arrived, if there is one. */
  take(): boolean {
    do {
      if (!this.#together(5)) return false;
      const length = this.bytes.readUInt32BE(this.#at + 1) + 1;
      if (!this.#together(length)) return false;
      this.type = this.bytes[this.#at] ?? 0;
      this.start = this.#at + 5;
      this.end = this.#at + length;
      this.#at = this.end;
    } while (asides.has(this.type));
    return true;
  }

  /** Waits until more has arrived. @throws what became of the connection, when it is lost */
  async fill(): Promise<void> {
    while (this.bytes.length - this.#at + this.#unread < this.#needed) {
      if (this.#lost !== undefined) throw this.#lost;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next message's type; its body is at `start`. */
  async next(): Promise<number> {
    while (!this.take()) await this.fill();
    return this.type;
  }

  /** Says goodbye, and closes the socket once that is sent. */
  async close(farewell: Buffer): Promise<void> {
    if (this.#lost !== undefined) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.end(farewell);
    const limit = setTimeout(() => this.#socket.destroy(), closeMillis);
    await closed;
    clearTimeout(limit);
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  /** Makes so many bytes stand together, if they have arrived; copies none but those of a message that came in pieces. */
  #together(count: number): boolean {
    const left = this.bytes.length - this.#at;
    if (left >= count) return true;
    this.#needed = count;
    if (left + this.#unread < count) return false;
    const pieces = left > 0 ? [this.bytes.subarray(this.#at)] : [];
    for (let missing = count - left; missing > 0; ) {
      const chunk = this.#chunks.shift() as Buffer;
      const piece = pieces.length === 0 ? chunk : chunk.subarray(0, missing);
      if (piece.length < chunk.length) this.#chunks.unshift(chunk.subarray(piece.length));
      pieces.push(piece);
      this.#unread -= piece.length;
      missing -= piece.length;
    }
    this.bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    this.#at = 0;
    return true;
  }

  #arrived(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#unread += chunk.length;
    if (this.#unread > Math.max(mostUnread, this.#needed)) this.#socket.pause();
    this.#woken();
  }

  #end(cause?: Error): void {
    this.#lost ??= lost(cause);
    this.#woken();
  }

  #woken(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

export function lost(cause?: unknown): Error {
  return refusal(
    {
      code: "CONNECTION_FAILED",
      message: "The connection to PostgreSQL is closed",
      hint: "Run it again: a new connection is opened",
      retryable: true,
    },
    cause,
  );
}

/** Between a request and its answer nobody but the server knows. */
export function outcomeUnknown(during: "committing" | "the statement ran", cause: unknown): Error {
  return refusal(
    {
      code: "CONNECTION_FAILED",
      message: `The connection was lost while ${during}: the server may have kept ${during === "committing" ? "the" : "its"} changes or not`,
      hint: "Look at the data before running it again",
      retryable: false,
    },
    cause,
  );
}

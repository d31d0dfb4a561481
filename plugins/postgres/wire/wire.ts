import type { Socket } from "node:net";
import { refusal } from "../refusal.ts";

/** Beyond this much unread, the socket is paused: memory stays flat however slow the reader is. */
const mostUnread = 1024 * 1024;

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
    // First in line: postgres.js removes every listener when the socket closes.
    socket.prependListener("close", () => this.#end());
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
      const left = this.bytes.length - this.#at;
      if (left < 5) return this.#short(5);
      const length = this.bytes.readUInt32BE(this.#at + 1) + 1;
      if (left < length) return this.#short(length);
      this.type = this.bytes[this.#at] ?? 0;
      this.start = this.#at + 5;
      this.end = this.#at + length;
      this.#at = this.end;
    } while (asides.has(this.type));
    return true;
  }

  /** Waits until more has arrived. @throws what became of the connection, when it is lost */
  async fill(): Promise<void> {
    const enough = () => this.#unread > 0 && this.bytes.length - this.#at + this.#unread >= this.#needed;
    while (!enough()) {
      if (this.#lost !== undefined) throw this.#lost;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const rest = this.bytes.subarray(this.#at);
    this.bytes = rest.length === 0 && this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat([rest, ...this.#chunks]);
    this.#at = 0;
    this.#chunks = [];
    this.#unread = 0;
  }

  /** The next message's type; its body is at `start`. */
  async next(): Promise<number> {
    while (!this.take()) await this.fill();
    return this.type;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  #short(needed: number): false {
    this.#needed = needed;
    return false;
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

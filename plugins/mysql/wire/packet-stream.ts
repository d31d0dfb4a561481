import type { Duplex } from "node:stream";
import { connectionLost } from "../refusal.ts";

/** A payload of this length continues in the next packet. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html */
const mostPayload = 0xffffff;
const headBytes = 4;
/** Received and not yet read; above this the socket is paused and the server waits. */
const mostHeld = 4 * 2 ** 20;
const leastRoom = 256 * 1024;
const nothing = Buffer.alloc(0);

/**
 * The packets of one connection in order. The current packet is `bytes` from `start` to `end`, valid
 * until the next call of `advance`: rows are read where they arrived, without a copy or an object each.
 */
export class PacketStream {
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  /** Flags the server told last, `serverStatus`; `undefined` after an error, which tells none. */
  status: number | undefined;
  /** Whether column definitions carry MariaDB's block of further type names. */
  readonly extendedMetadata: boolean;
  readonly #socket: Duplex;
  #buffer: Buffer = nothing;
  #chunks: Buffer[] = [];
  /** Frames of a packet of several, until the last of them has come. */
  #frames: Buffer[] = [];
  #held = 0;
  #at = 0;
  /** Bytes that must be there before it is worth looking again. */
  #wanted = headBytes;
  #paused = false;
  #failure: Error | undefined;
  #arrival: PromiseWithResolvers<void> | undefined;

  constructor(socket: Duplex, extendedMetadata: boolean) {
    this.#socket = socket;
    this.extendedMetadata = extendedMetadata;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error: Error) => this.fail(connectionLost(error)));
    socket.on("close", () => this.fail(connectionLost()));
    socket.on("end", () => this.fail(connectionLost()));
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** No packet comes after this; whoever waits for one gets the error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
    this.#socket.destroy();
  }

  /** Sends a last payload and closes; nothing is read any more. */
  finish(payload: Uint8Array): void {
    if (this.#failure !== undefined) return;
    this.#failure = connectionLost();
    this.#wake();
    this.#socket.end(Buffer.concat(framed(payload)));
    this.#socket.resume();
  }

  /** Sends payloads, each a command of its own, in one write. */
  send(...payloads: readonly Uint8Array[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.write(Buffer.concat(payloads.flatMap(framed)));
  }

  /** Moves to the next packet if all of it has arrived. */
  advance(): boolean {
    const { bytes } = this;
    const at = this.#at;
    if (bytes.length - at < headBytes) return this.#gather(headBytes);
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    if (bytes.length - at - headBytes < length) return this.#gather(headBytes + length);
    if (length === mostPayload || this.#frames.length > 0) return this.#advanceLong(length);
    this.start = at + headBytes;
    this.end = this.start + length;
    this.#at = this.end;
    return true;
  }

  /** Resolves when `advance` is worth another try. */
  async more(): Promise<void> {
    while (this.#held < this.#wanted) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#paused) {
        this.#paused = false;
        this.#socket.resume();
      }
      this.#arrival ??= Promise.withResolvers<void>();
      await this.#arrival.promise;
    }
  }

  /** The next packet, waited for. */
  async next(): Promise<void> {
    while (!this.advance()) await this.more();
  }

  #wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held > mostHeld && this.#held >= this.#wanted && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    if (this.#held >= this.#wanted) this.#wake();
  }

  /** Makes what has arrived one piece, once enough of it has; answers whether the packet is complete. */
  #gather(wanted: number): boolean {
    const rest = this.bytes.length - this.#at;
    this.#wanted = wanted - rest;
    if (this.#held < this.#wanted || this.#held === 0) return false;
    const total = rest + this.#held;
    const room = this.#room(total);
    this.bytes.copy(room, 0, this.#at);
    let end = rest;
    for (const chunk of this.#chunks) end += chunk.copy(room, end);
    this.bytes = room.subarray(0, total);
    this.#chunks = [];
    this.#held = 0;
    this.#at = 0;
    this.#wanted = 1;
    return this.advance();
  }

  /** One place for all that arrives: a new one for each piece would be garbage of the size of the result. */
  #room(bytes: number): Buffer {
    const fits = bytes <= this.#buffer.length && (this.#buffer.length <= mostHeld * 2 || bytes > mostHeld);
    if (!fits) this.#buffer = Buffer.allocUnsafe(Math.max(bytes * 1.25, leastRoom));
    return this.#buffer;
  }

  /** Each frame stays where it arrived, and is copied to its place once all are there. */
  #advanceLong(length: number): boolean {
    const start = this.#at + headBytes;
    this.#at = start + length;
    this.#frames.push(this.bytes.subarray(start, this.#at));
    this.#buffer = nothing;
    if (length === mostPayload) return this.advance();
    const end = this.#frames.reduce((sum, frame) => sum + frame.length, 0);
    this.bytes = Buffer.concat([...this.#frames, this.bytes.subarray(this.#at)]);
    this.#frames = [];
    this.start = 0;
    this.end = end;
    this.#at = end;
    return true;
  }
}

function framed(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0, sequence = 0; ; sequence++) {
    const part = payload.subarray(at, at + mostPayload);
    parts.push(Uint8Array.of(part.length & 0xff, (part.length >> 8) & 0xff, part.length >> 16, sequence & 0xff), part);
    at += part.length;
    if (part.length < mostPayload) return parts;
  }
}

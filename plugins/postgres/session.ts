import { clearTimeout, setTimeout as setTimer } from "node:timers";
import { setTimeout } from "node:timers/promises";
import type { Opened } from "./connect.ts";
import type { Settings } from "./target/settings.ts";
import { cancelBackend } from "./wire/cancel.ts";
import * as messages from "./wire/messages.ts";
import { readError } from "./wire/replies.ts";
import { lost, tag, type Wire } from "./wire/wire.ts";

/** How long a server may take to hear a cancel, and to end a transaction, before its connection is given up. */
const cancelMillis = 2000;
const endMillis = 10_000;

export type Cells = readonly (string | null)[];

/** One open session. Work on it is strictly one after the other: the next work ends what was left open before. */
export class Session {
  readonly opened: Opened;
  readonly settings: Settings;
  readonly readOnly: boolean;
  #current: Work | undefined;
  #closed: Promise<void> | undefined;

  constructor(opened: Opened, settings: Settings, readOnly: boolean) {
    this.opened = opened;
    this.settings = settings;
    this.readOnly = readOnly;
  }

  get ended(): boolean {
    return this.#closed !== undefined || this.opened.wire.ended;
  }

  async begin(signal: AbortSignal): Promise<Work> {
    signal.throwIfAborted();
    await this.#current?.end();
    if (this.ended) throw lost();
    signal.throwIfAborted();
    this.#current = new Work(this, signal);
    return this.#current;
  }

  /** Runs one piece of work and ends it, whatever becomes of it. */
  async during<Result>(signal: AbortSignal, run: (work: Work) => Promise<Result>): Promise<Result> {
    const work = await this.begin(signal);
    try {
      return await run(work);
    } finally {
      await work.end();
    }
  }

  cancel(): Promise<void> {
    const { place, protection, key } = this.opened;
    return cancelBackend(this.settings, place, protection, key);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#current?.end();
    await this.opened.close();
  }
}

/** What is sent for one caller, from its first message until the server is idle again. */
export class Work {
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly wire: Wire;
  #running = false;
  #hasStopped: (() => void) | undefined;
  /** Answers of "ready" that the server owes. */
  #owed = 0;
  #unsynced = false;
  #transaction = false;
  #cancelling: Promise<void> | undefined;
  #grace: ReturnType<typeof setTimer> | undefined;
  #ending: Promise<void> | undefined;

  constructor(session: Session, signal: AbortSignal) {
    this.session = session;
    this.signal = signal;
    this.wire = session.opened.wire;
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** True while the server runs a statement that a cancel could stop. */
  get running(): boolean {
    return this.#running;
  }

  set running(running: boolean) {
    this.#running = running;
    if (!running) this.#hasStopped?.();
  }

  /** Opens a transaction, which `end` closes. Its answer is read with `ready`. */
  transaction(mode: "READ ONLY" | "READ WRITE", ...first: readonly string[]): void {
    const pins = Object.entries(this.session.opened.pins ?? {}).filter(([name]) => name !== "application_name" && name !== "options");
    const local = pins.map(([name, value]) => `set_config('${name}', '${value.replaceAll("'", "''")}', true)`);
    const pin = local.length > 0 ? [`SELECT ${local.join(", ")}`] : [];
    this.simple([`BEGIN ${mode}`, ...pin, ...first].join("; "));
    this.#transaction = true;
  }

  /** Sends this driver's own statements over the protocol that takes several. */
  simple(sql: string): void {
    this.#owed++;
    this.wire.send(messages.query(sql));
  }

  /** Runs one of them to its end. */
  async forget(sql: string): Promise<void> {
    this.simple(sql);
    await this.ready();
  }

  /** Sends and asks for the answers so far; an error skips everything up to the next `sync`. */
  request(...parts: readonly Buffer[]): void {
    this.signal.throwIfAborted();
    this.#unsynced = true;
    this.wire.send(...parts, messages.flush);
  }

  /** Sends, and ends the transaction that belongs to these messages alone. */
  synced(...parts: readonly Buffer[]): void {
    this.signal.throwIfAborted();
    this.#sync(...parts);
  }

  /** The next answer's type. @throws the server's error, or the reason the caller left for */
  async reply(): Promise<number> {
    try {
      await this.wire.next();
    } catch (error) {
      this.signal.throwIfAborted();
      throw error;
    }
    return this.#seen();
  }

  /** The same, when the answer is here already. */
  arrived(): number | undefined {
    return this.wire.take() ? this.#seen() : undefined;
  }

  #seen(): number {
    const { type, bytes, start, end } = this.wire;
    if (type === tag.ready) this.#owed--;
    if (type !== tag.error) return type;
    this.running = false;
    this.signal.throwIfAborted();
    throw readError(bytes, start, end);
  }

  /** Waits until the server is ready for more. */
  async ready(): Promise<void> {
    while ((await this.reply()) !== tag.ready);
  }

  /** Reads away what is owed after an error, so that more can be sent. */
  async synchronized(): Promise<void> {
    if (!this.wire.ended) await this.#drain();
  }

  /** What the last "ready" said: whether a transaction is open. */
  get idle(): boolean {
    return this.wire.bytes[this.wire.start] === 0x49;
  }

  /** All rows of one of this driver's own statements. */
  async rows(sql: string, params: Cells = []): Promise<Cells[]> {
    const found: Cells[] = [];
    this.synced(messages.parse(sql), messages.bind("", params), messages.execute("", 0));
    this.running = true;
    while (this.#owed > 0) {
      if ((await this.reply()) === tag.dataRow) found.push(cellsOf(this.wire));
    }
    this.running = false;
    return found;
  }

  /** Ends the transaction and stops what still runs. @throws why a commit failed */
  end(how: "COMMIT" | "ROLLBACK" = "ROLLBACK"): Promise<void> {
    // Only the first to ask is told of a failure; later ones wait for the end of it.
    if (this.#ending !== undefined) return this.#ending.catch(() => undefined);
    this.#ending = this.#end(how);
    return this.#ending;
  }

  #sync(...parts: readonly Buffer[]): void {
    this.#unsynced = false;
    this.#owed++;
    this.wire.send(...parts, messages.sync);
  }

  readonly #abort = () => {
    this.#grace ??= setTimer(() => this.wire.destroy(), cancelMillis);
    if (this.running) this.#stop();
  };

  #stop(): void {
    this.#cancelling ??= this.#cancel();
  }

  /** A cancel that comes before the server has begun is ignored there: it is asked again until it has stopped. */
  async #cancel(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#hasStopped = resolve;
    });
    for (let wait = 10; this.running && !this.wire.ended; wait *= 2) {
      // A server that takes no new connection cannot be asked; the end of this one tells it as much.
      await this.session.cancel().catch(() => this.wire.destroy());
      await Promise.race([stopped, setTimeout(wait, undefined, { ref: false })]);
    }
  }

  async #end(how: "COMMIT" | "ROLLBACK"): Promise<void> {
    const limit = setTimer(() => this.wire.destroy(), endMillis);
    try {
      if (this.wire.ended) return;
      await this.#finishRunning();
      if (this.#unsynced) this.#sync();
      if (this.#transaction) this.simple(how);
      const failure = await this.#drain();
      if (this.#cancelling !== undefined) await this.#settle();
      if (how === "COMMIT" && failure !== undefined) throw failure;
    } catch (error) {
      if (how === "COMMIT" || !this.wire.ended) throw error;
    } finally {
      this.signal.removeEventListener("abort", this.#abort);
      clearTimeout(limit);
      clearTimeout(this.#grace);
    }
  }

  async #finishRunning(): Promise<void> {
    if (this.running) this.#abort();
    while (this.running) {
      const type = await this.wire.next();
      if (type === tag.ready) this.#owed--;
      if (ends.has(type)) this.running = false;
    }
    await this.#cancelling;
  }

  /** What a late cancel hits is this, and never somebody's next statement. */
  async #settle(): Promise<void> {
    this.simple("SELECT 1");
    await this.#drain();
    if (this.idle) return;
    this.simple("ROLLBACK");
    await this.#drain();
  }

  /** Reads away what the server still owes; gives the last error among it. */
  async #drain(): Promise<Error | undefined> {
    let failure: Error | undefined;
    while (this.#owed > 0) {
      const type = await this.wire.next();
      if (type === tag.ready) this.#owed--;
      else if (type === tag.error) failure = readError(this.wire.bytes, this.wire.start, this.wire.end);
      else if (type === tag.copyIn) this.wire.send(messages.copyFail);
    }
    return failure;
  }
}

/** Answers after which nothing runs. */
const ends: ReadonlySet<number> = new Set([tag.error, tag.commandComplete, tag.portalSuspended, tag.emptyQuery, tag.ready]);

/** The cells of the data row the wire stands at, as texts. */
export function cellsOf({ bytes, start }: Pick<Wire, "bytes" | "start">): Cells {
  let at = start + 2;
  return Array.from({ length: bytes.readUInt16BE(start) }, () => {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) return null;
    at += length;
    return bytes.toString("utf8", at - length, at);
  });
}

import { clearTimeout, setTimeout as setTimer } from "node:timers";
import { setTimeout } from "node:timers/promises";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";
import { type Scope, savepoint, whole } from "./sql/scope.ts";
import * as messages from "./wire/messages.ts";
import { type Cells, readCells, readError } from "./wire/replies.ts";
import { lost, outcomeUnknown, tag, type Wire } from "./wire/wire.ts";

/** How long a server may take to hear a cancel, and to end a transaction, before its connection is given up. */
const cancelMillis = 2000;
const longestPauseMillis = 160;
const endMillis = 10_000;

/** What is sent for one caller, from its first message until the server is idle again. */
export class Work {
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly wire: Wire;
  #running = false;
  #hasStopped: (() => void) | undefined;
  /** Answers of "ready" that the server owes. */
  #owed = 0;
  /** Those of them that come before the statement that runs: until then a cancel, or an error, is of something else. */
  #ahead = 0;
  #stray = false;
  #unsynced = false;
  #scope: Scope | undefined;
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

  /** True while the server still has to say "ready" to something. */
  get owed(): boolean {
    return this.#owed > 0;
  }

  /** Opens a transaction, which `end` closes. Its answer is read with `ready`. */
  transaction(mode: `${string}READ ${"ONLY" | "WRITE"}`, ...first: readonly string[]): void {
    const pins = Object.entries(this.session.opened.pins ?? {}).filter(([name]) => name !== "application_name" && name !== "options");
    const local = pins.map(([name, value]) => `set_config('${name}', '${value.replaceAll("'", "''")}', true)`);
    const pin = local.length > 0 ? [`SELECT ${local.join(", ")}`] : [];
    this.simple([`BEGIN ${mode}`, ...pin, ...first].join("; "));
    this.#scope = whole(mode.endsWith("ONLY"));
  }

  /** Opens a part of the transaction that spans calls, which `end` keeps or undoes alone. */
  async savepoint(): Promise<void> {
    await this.forget(savepoint.open);
    this.#scope = savepoint;
  }

  /** Leaves the transaction open at the end of this work, or takes over one that an earlier work left. */
  handOver(transaction: Scope | undefined): void {
    this.#scope = transaction;
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
    this.#ahead = this.#owed;
    this.#unsynced = true;
    this.wire.send(...parts, messages.flush);
  }

  /** Sends, and ends the transaction that belongs to these messages alone. */
  synced(...parts: readonly Buffer[]): void {
    this.signal.throwIfAborted();
    this.#ahead = this.#owed;
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
    if (type === tag.ready) this.#readied();
    if (type !== tag.error) return type;
    // A statement that was sent together with what failed before it runs all the same, outside of any transaction.
    if (this.#ahead === 0) this.running = false;
    else this.#stray = true;
    this.signal.throwIfAborted();
    throw readError(bytes, start, end);
  }

  #readied(): void {
    this.#owed--;
    if (this.#ahead > 0 && --this.#ahead === 0 && this.#grace !== undefined) this.#abort();
  }

  /** Waits until the server is ready for more. */
  async ready(): Promise<void> {
    while ((await this.reply()) !== tag.ready);
  }

  /** Reads away what is owed after an error, so that more can be sent. A connection that is lost meanwhile had a reason: that error. */
  async synchronized(): Promise<void> {
    await this.#drain().catch(() => undefined);
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
      if ((await this.reply()) === tag.dataRow) found.push(readCells(this.wire));
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
    if (this.running && this.#ahead === 0) this.#stop();
  };

  #stop(): void {
    this.#cancelling ??= this.#cancel();
  }

  /** A cancel that comes before the server has begun is ignored there: it is asked again until it has stopped. */
  async #cancel(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#hasStopped = resolve;
    });
    for (let wait = 10; this.running && !this.wire.ended; wait = Math.min(2 * wait, longestPauseMillis)) {
      // A server that takes no new connection now may take one soon; one that never does has this one ended.
      await this.session.cancel().catch(() => undefined);
      await Promise.race([stopped, setTimeout(wait, undefined, { ref: false })]);
    }
    // Before PostgreSQL 14 a server that computes does not see that its client has gone.
    if (this.running) this.session.cancel().catch(() => undefined);
  }

  async #end(how: "COMMIT" | "ROLLBACK"): Promise<void> {
    const scope = this.#scope;
    // A commit takes as long as it takes; who waits for it may cancel it.
    const limit = how === "COMMIT" ? undefined : setTimer(() => this.wire.destroy(), endMillis);
    try {
      if (this.wire.ended) {
        if (how === "COMMIT" && scope !== undefined) throw lost();
        return;
      }
      await this.#finishRunning();
      // A sync would keep what it wrote.
      if (this.#stray) return this.wire.destroy();
      if (this.#unsynced) this.#sync();
      await this.#settle();
      if (scope === undefined) return;
      const failure = await this.#close(scope, how);
      if (failure === undefined) return;
      this.signal.throwIfAborted();
      throw failure;
    } catch (error) {
      if (how === "COMMIT" || !this.wire.ended) throw error;
    } finally {
      this.signal.removeEventListener("abort", this.#abort);
      clearTimeout(limit);
      clearTimeout(this.#grace);
    }
  }

  /** Gives why a commit failed. What can be neither kept nor undone ends the connection, and so the transaction. */
  async #close(scope: Scope, how: "COMMIT" | "ROLLBACK"): Promise<Error | undefined> {
    if (this.wire.ended) throw lost();
    this.simple(how === "COMMIT" ? scope.keep : scope.undo);
    this.running = how === "COMMIT";
    const said: Said = { tags: [] };
    await this.#drain(said).catch((error) => {
      if (said.tags.length > 0) return;
      throw how === "COMMIT" && scope.lasting ? outcomeUnknown("committing", said.failure ?? error) : error;
    });
    this.running = false;
    await this.#tidied(scope, said).catch((error) => {
      // What the server has answered stands, also when it is gone now.
      if (!this.wire.ended) throw error;
    });
    if (how === "ROLLBACK" || said.tags[0] === scope.kept) return undefined;
    return said.failure ?? undoneInstead();
  }

  async #tidied(scope: Scope, said: Said): Promise<void> {
    await this.#settle();
    let undone = said;
    if (said.failure !== undefined) {
      this.simple(scope.undo);
      undone = await this.#drain();
    }
    const clean = undone.failure === undefined || !scope.strict;
    if (this.wire.bytes[this.wire.start] !== scope.after || !clean) this.wire.destroy();
  }

  async #finishRunning(): Promise<void> {
    if (this.running) this.#abort();
    while (this.running) {
      const type = await this.wire.next();
      if (this.#ahead === 0 && ends.has(type)) this.running = false;
      if (type === tag.ready) this.#readied();
    }
    await this.#cancelling;
  }

  /** What a late cancel hits is this, and never what is sent next. */
  async #settle(): Promise<void> {
    await this.#drain();
    if (this.#cancelling === undefined) return;
    await this.#cancelling;
    this.#cancelling = undefined;
    this.simple("SELECT 1");
    await this.#drain();
  }

  /** Reads away what the server still owes: what was done, and the last error. */
  async #drain(said: Said = { tags: [] }): Promise<Said> {
    while (this.#owed > 0) {
      const type = await this.wire.next();
      const { bytes, start, end } = this.wire;
      if (type === tag.ready) this.#readied();
      else if (type === tag.commandComplete) said.tags.push(bytes.toString("latin1", start, end - 1));
      else if (type === tag.error) said.failure = readError(bytes, start, end);
      else if (type === tag.copyIn) this.wire.send(messages.copyFail);
    }
    return said;
  }
}

/** What the server said to a request: what was done, and the last error. */
interface Said {
  readonly tags: string[];
  failure?: Error;
}

/** Answers after which nothing runs. */
const ends: ReadonlySet<number> = new Set([tag.error, tag.commandComplete, tag.portalSuspended, tag.emptyQuery, tag.ready]);

/** A transaction in which something failed answers COMMIT with ROLLBACK. */
function undoneInstead(): Error {
  return refusal({ code: "CONFLICT", message: "The transaction had failed, and was undone", hint: "Begin another one" });
}

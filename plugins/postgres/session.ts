import type { Opened } from "./connect.ts";
import { refusal } from "./refusal.ts";
import { tidy } from "./sql/scope.ts";
import type { Settings } from "./target/settings.ts";
import { cancelBackend } from "./wire/cancel.ts";
import { readError } from "./wire/replies.ts";
import { tag } from "./wire/wire.ts";
import { Work } from "./work.ts";

/** One open session. Work on it is strictly one after the other: the next work ends what was left open before. */
export class Session {
  readonly opened: Opened;
  readonly settings: Settings;
  readonly readOnly: boolean;
  /** The transaction that spans calls, and alone may work here. */
  holder: object | undefined;
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

  async begin(signal: AbortSignal, holder?: object): Promise<Work> {
    signal.throwIfAborted();
    if (holder !== this.holder) throw taken(holder !== undefined);
    await this.#current?.end();
    if (this.ended) throw await this.#lastWord();
    signal.throwIfAborted();
    this.#current = new Work(this, signal);
    return this.#current;
  }

  /** Runs one piece of work and ends it, whatever becomes of it. */
  async during<Result>(signal: AbortSignal, run: (work: Work) => Promise<Result>): Promise<Result> {
    return await this.#ending(await this.begin(signal), run);
  }

  /** The same, also inside a transaction that spans calls, which nothing in it can fail. */
  async beside<Result>(signal: AbortSignal, run: (work: Work) => Promise<Result>): Promise<Result> {
    const work = await this.begin(signal, this.holder);
    return await this.#ending(work, async () => {
      if (this.holder !== undefined) await work.savepoint();
      return await run(work);
    });
  }

  async #ending<Result>(work: Work, run: (work: Work) => Promise<Result>): Promise<Result> {
    try {
      return await run(work);
    } finally {
      await work.end();
    }
  }

  /** Takes back whatever was left here, an open transaction included. @throws when it could not */
  async reset(signal: AbortSignal): Promise<void> {
    const held = this.holder !== undefined;
    this.holder = undefined;
    await this.during(signal, async (work) => {
      if (held) await work.forget("ROLLBACK");
      // Through a pooler each transaction tidies up behind itself; DISCARD ALL might reach another client's session.
      await work.forget(this.opened.pins === undefined ? "DISCARD ALL" : tidy);
    });
  }

  /** What the server said before it hung up, if it said anything. */
  async #lastWord(): Promise<unknown> {
    const { wire } = this.opened;
    try {
      while ((await wire.next()) !== tag.error);
      return readError(wire.bytes, wire.start, wire.end);
    } catch (error) {
      return error;
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

function taken(over: boolean): Error {
  return over
    ? refusal({ code: "CONFLICT", message: "The transaction is over", hint: "Begin another one" })
    : refusal({ code: "CONFLICT", message: "The connection is in a transaction", hint: "End it first, or use another connection" });
}

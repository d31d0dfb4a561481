import type { Settings } from "./open/settings.ts";
import { connectionLost } from "./refusal.ts";
import { drained, killUntil, settle } from "./stop.ts";
import type { PacketStream } from "./wire/packet-stream.ts";
import { type Answer, isServerError, queryCommand, readAnswer } from "./wire/protocol.ts";

/** What holds the connection. Whoever began it ends it, once; a second end does nothing. */
export interface Work {
  readonly signal: AbortSignal;
  /** Sends commands and waits for the whole answer; the caller's leaving stops the server meanwhile. */
  ask<Result>(commands: readonly Uint8Array[], read: (packets: PacketStream) => Promise<Result>): Promise<Result>;
  /** Executes a statement. Where rows follow, the caller's leaving stops the server until `finished`. */
  start(command: Uint8Array): Promise<Answer>;
  /** Says that the rows have been read to their end. An error of the server is an end too. */
  finished(): void;
  /** True from the moment its end began, also where somebody else asked for it: nothing may be read any more. */
  readonly ended: boolean;
  /** Stops what still runs, takes back what was begun, and frees the connection. */
  end(): Promise<void>;
}

export interface WorkPlace {
  readonly packets: PacketStream;
  readonly settings: Settings;
  /** The server's number for this connection. */
  readonly id: string;
  /** Called when the connection may be used again. */
  free(): void;
}

/** Begins a piece of work, inside a transaction that cannot write where `guarded`; its answer is read with the next one. */
export function startWork({ packets, settings, id, free }: WorkPlace, signal: AbortSignal, guarded: boolean): Work {
  const over = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let active = false;
  let ending = false;
  let beginning: Promise<unknown> | undefined;
  let replying: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= killUntil(settings, id, answered.promise, packets);
    return stopping;
  };
  const onAbort = () => void (active && stop());
  signal.addEventListener("abort", onAbort, { once: true });
  if (guarded) packets.send(queryCommand("start transaction read only"));
  const begun = async () => {
    if (guarded) beginning ??= readAnswer(packets);
    await beginning?.catch((error) => {
      // The answers that follow would be taken for those of other commands.
      packets.fail(connectionLost(error));
      throw packets.failure;
    });
  };
  const exchange = async <Result>(
    commands: readonly Uint8Array[],
    read: (packets: PacketStream) => Promise<Result>,
    isOpen: (result: Result) => boolean,
  ): Promise<Result> => {
    // Who ends the work reads what is still to come; nobody may send after that.
    if (ending) throw connectionLost();
    if (commands.length > 0) packets.send(...commands);
    active = true;
    if (signal.aborted) void stop();
    const settled = Promise.withResolvers<void>();
    replying = settled.promise;
    try {
      await begun();
      const result = await read(packets);
      active = isOpen(result);
      if (ending) throw connectionLost();
      return result;
    } catch (error) {
      if (isServerError(error)) active = false;
      throw error;
    } finally {
      replying = undefined;
      settled.resolve();
    }
  };
  return {
    signal,
    get ended() {
      return ending;
    },
    ask: (commands, read) => exchange(commands, read, () => false),
    start: (command) => exchange([command], readAnswer, ({ rows }) => rows),
    finished() {
      active = false;
    },
    async end() {
      if (ending) return over.promise;
      ending = true;
      signal.removeEventListener("abort", onAbort);
      try {
        if (replying !== undefined) {
          void stop();
          await replying;
        }
        await begun();
        if (active) await drained(packets, stop);
        answered.resolve();
        await stopping;
        await settle(packets, guarded, stopping !== undefined);
      } catch (error) {
        packets.fail(connectionLost(error));
      } finally {
        answered.resolve();
        free();
        over.resolve();
      }
    },
  };
}

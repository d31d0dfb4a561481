import { openPackets } from "./open/handshake.ts";
import { type Facts, identify, type Place, pinSession } from "./open/pin.ts";
import type { Settings } from "./open/settings.ts";
import { connectionLost, refusal } from "./refusal.ts";
import type { PacketStream } from "./wire/packet-stream.ts";
import { askTexts, closeCommand, prepareCommand, quit, readPrepared, type Statement } from "./wire/protocol.ts";
import { startWork, type Work } from "./work.ts";

/** One connection to a server; one piece of work at a time. */
export interface Session extends Facts {
  readonly packets: PacketStream;
  readonly database: string | undefined;
  readonly readOnly: boolean;
  /** Whether a write is kept at once: there is no transaction that its loss would undo. */
  readonly commits: boolean;
  /** Takes the connection for one piece of work, in a transaction that cannot write where `guarded`. */
  begin(signal: AbortSignal, guarded: boolean): Promise<Work>;
  /** Takes the connection for what runs nothing of a caller's: allowed while somebody holds it. */
  look(signal: AbortSignal): Promise<Work>;
  /** Prepares a statement, or finds the one prepared last. */
  prepare(work: Work, sql: string): Promise<Statement>;
  /** Runs statements of this driver, in one round trip, and gives their rows as texts. */
  texts(signal: AbortSignal, ...statements: readonly string[]): Promise<(string | null)[][][]>;
  /** Keeps the connection for one holder: until its release nobody else can `begin`. */
  hold(readOnly: boolean): HeldSession;
  /** Makes the session what it was when it was opened; what cannot be made so is closed. */
  reset(signal: AbortSignal): Promise<void>;
  readonly ended: boolean;
  close(): Promise<void>;
}

/** The same connection as its holder sees it: no piece of work gets a transaction of its own. */
export interface HeldSession extends Session {
  /** Ends the work that still runs. */
  settle(): Promise<void>;
  release(): void;
}

interface Opened {
  readonly packets: PacketStream;
  readonly settings: Settings;
  readonly readOnly: boolean;
  readonly facts: Facts;
  readonly place: Place;
}

export async function openSession(settings: Settings, readOnly: boolean, signal: AbortSignal): Promise<Session> {
  const packets = await openPackets(settings, signal);
  const abort = () => packets.fail(connectionLost());
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const facts = await identify(packets);
    const place = await pinSession(packets, settings, { ...facts, readOnly });
    return createSession({ packets, settings, readOnly, facts, place });
  } catch (error) {
    packets.fail(connectionLost());
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function createSession({ packets, settings, readOnly, facts, place }: Opened): Session {
  let closed = false;
  let working: Work | undefined;
  let holder: HeldSession | undefined;
  let last: { readonly sql: string; readonly statement: Statement } | undefined;

  const take = (signal: AbortSignal, guarded: boolean): Work => {
    if (closed) throw connectionLost();
    if (packets.failure !== undefined) throw packets.failure;
    signal.throwIfAborted();
    if (working !== undefined) throw busy("The connection is busy with another statement", "Read its rows to the end first");
    const free = () => {
      working = undefined;
    };
    working = startWork({ packets, settings, id: facts.id, free }, signal, guarded);
    return working;
  };

  const prepare: Session["prepare"] = async (work, sql) => {
    if (last?.sql === sql) return last.statement;
    const command = prepareCommand(sql);
    fitting(command, facts.mostPacketBytes);
    work.signal.throwIfAborted();
    const closing = last === undefined ? [] : [closeCommand(last.statement)];
    last = undefined;
    const statement = await work.ask([...closing, command], readPrepared);
    last = { sql, statement };
    return statement;
  };

  const session: Session = {
    packets,
    readOnly,
    commits: !readOnly,
    database: place.database,
    ...facts,
    prepare,
    get ended() {
      return closed || packets.failure !== undefined;
    },
    async begin(signal, guarded) {
      if (holder !== undefined) throw busy("The connection is in a transaction", "Commit it or roll it back first");
      return take(signal, guarded);
    },
    look: async (signal) => take(signal, false),
    texts: async (signal, ...statements) => askOn(take(signal, false), ...statements),
    hold(heldReadOnly) {
      if (holder !== undefined || working !== undefined) throw busy("The connection is busy", "End what runs on it first");
      const held: HeldSession = {
        ...session,
        readOnly: readOnly || heldReadOnly,
        commits: false,
        get ended() {
          return session.ended;
        },
        begin: async (signal) => take(signal, false),
        settle: async () => working?.end(),
        release() {
          if (holder === held) holder = undefined;
        },
      };
      holder = held;
      return held;
    },
    async reset(signal) {
      const work = await session.begin(signal, false);
      last = undefined;
      try {
        const now = await work.ask([], () => pinSession(packets, settings, { ...facts, readOnly, reset: true }));
        if (now.database !== place.database || now.user !== place.user) throw connectionLost();
      } catch (error) {
        packets.fail(connectionLost(error));
        throw signal.aborted ? signal.reason : error;
      } finally {
        await work.end();
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      await working?.end();
      packets.finish(quit);
    },
  };
  return session;
}

/** Runs statements of this driver as one piece of work, and ends it. */
export async function askOn(work: Work, ...statements: readonly string[]): Promise<(string | null)[][][]> {
  try {
    return await work.ask([], (packets) => askTexts(packets, ...statements));
  } catch (error) {
    throw work.signal.aborted ? work.signal.reason : error;
  } finally {
    await work.end();
  }
}

function busy(message: string, hint: string): Error {
  return refusal({ code: "CONFLICT", message, hint });
}

/** A server closes the connection over a packet that is too large for it. */
export function fitting(command: Uint8Array, most: number): void {
  if (command.length <= most) return;
  const message = `The statement and its parameters are larger than the server allows (max_allowed_packet: ${most} bytes)`;
  throw refusal({ code: "LIMIT_EXCEEDED", message, hint: "Make it smaller, or raise max_allowed_packet on the server" });
}

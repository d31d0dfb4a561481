import { openPackets } from "./open/handshake.ts";
import { type Facts, pinSession } from "./open/pin.ts";
import type { Settings } from "./open/settings.ts";
import { connectionLost, refusal } from "./refusal.ts";
import type { PacketStream } from "./wire/packet-stream.ts";
import {
  closeCommand,
  isServerError,
  prepareCommand,
  queryCommand,
  quit,
  readPrepared,
  readTexts,
  type Statement,
} from "./wire/protocol.ts";
import { startWork, type Work } from "./work.ts";

/** One connection to a server; one piece of work at a time. */
export interface Session extends Facts {
  readonly packets: PacketStream;
  readonly readOnly: boolean;
  /** Takes the connection for one piece of work, in a transaction that cannot write where `guarded`. */
  begin(signal: AbortSignal, guarded: boolean): Promise<Work>;
  /** Prepares a statement, or finds the one prepared last. */
  prepare(work: Work, sql: string): Promise<Statement>;
  /** Runs statements of this driver, in one round trip, and gives their rows as texts. */
  texts(signal: AbortSignal, ...statements: readonly string[]): Promise<(string | null)[][][]>;
  readonly ended: boolean;
  close(): Promise<void>;
}

interface Opened {
  readonly packets: PacketStream;
  readonly settings: Settings;
  readonly readOnly: boolean;
  readonly facts: Facts;
}

export async function openSession(settings: Settings, readOnly: boolean, signal: AbortSignal): Promise<Session> {
  const packets = await openPackets(settings, signal);
  try {
    const facts = await pinSession(packets, settings, readOnly, signal);
    return createSession({ packets, settings, readOnly, facts });
  } catch (error) {
    packets.fail(connectionLost());
    throw signal.aborted ? signal.reason : error;
  }
}

function createSession({ packets, settings, readOnly, facts }: Opened): Session {
  let closed = false;
  let working: Work | undefined;
  let last: { readonly sql: string; readonly statement: Statement } | undefined;

  const prepare: Session["prepare"] = async (work, sql) => {
    if (last?.sql === sql) return last.statement;
    const command = prepareCommand(sql);
    fitting(command, facts.mostPacketBytes);
    work.signal.throwIfAborted();
    packets.send(...(last === undefined ? [] : [closeCommand(last.statement)]), command);
    last = undefined;
    const statement = await work.reply(readPrepared);
    work.finished();
    last = { sql, statement };
    return statement;
  };

  const session: Session = {
    packets,
    readOnly,
    ...facts,
    prepare,
    get ended() {
      return closed || packets.failure !== undefined;
    },
    async begin(signal, guarded) {
      if (closed) throw connectionLost();
      if (packets.failure !== undefined) throw packets.failure;
      signal.throwIfAborted();
      if (working !== undefined) {
        const message = "The connection is busy with another statement";
        throw refusal({ code: "CONFLICT", message, hint: "Read its rows to the end first" });
      }
      const free = () => {
        working = undefined;
      };
      working = startWork({ packets, settings, id: facts.id, free }, signal, guarded);
      return working;
    },
    async texts(signal, ...statements) {
      const work = await session.begin(signal, false);
      let refused: unknown;
      try {
        packets.send(...statements.map(queryCommand));
        const results: (string | null)[][][] = [];
        for (const _ of statements) {
          const rows = await work.reply(readTexts).catch((error) => {
            if (!isServerError(error)) throw error;
            refused ??= error;
            return [];
          });
          results.push(rows);
        }
        if (refused !== undefined) throw refused;
        return results;
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        work.finished();
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

/** A server closes the connection over a packet that is too large for it. */
export function fitting(command: Uint8Array, most: number): void {
  if (command.length <= most) return;
  const message = `The statement and its parameters are larger than the server allows (max_allowed_packet: ${most} bytes)`;
  throw refusal({ code: "LIMIT_EXCEEDED", message, hint: "Make it smaller, or raise max_allowed_packet on the server" });
}

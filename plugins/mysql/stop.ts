import { openPackets } from "./open/handshake.ts";
import type { Settings } from "./open/settings.ts";
import { connectionLost } from "./refusal.ts";
import type { PacketStream } from "./wire/packet-stream.ts";
import { isEnd, queryCommand, quit, readAnswer, readTexts } from "./wire/protocol.ts";

/** How long a cancelled statement may take to end before its connection is given up. */
const stopMillis = 3000;
const killEveryMillis = 100;

/** Ends the transaction and proves that the connection answers: a kill that came too late hits the statement after the one it was meant for. */
export async function settle(packets: PacketStream, guarded: boolean, killed: boolean): Promise<void> {
  if (packets.failure !== undefined || (!guarded && !killed)) return;
  // The caller has what was asked for, and waits for nothing but this: a server that stands still must not keep it.
  const give = setTimeout(() => packets.fail(connectionLost()), stopMillis);
  try {
    if (killed) {
      packets.send(queryCommand("do 0"));
      await readAnswer(packets).catch((error) => {
        if (packets.failure !== undefined) throw error;
      });
    }
    packets.send(queryCommand(guarded ? "rollback" : "do 0"));
    await readAnswer(packets);
  } finally {
    clearTimeout(give);
  }
}

/** Reads what is still to come of an answer away; asks the server to stop unless the end has already arrived. */
export async function drained(packets: PacketStream, stop: () => Promise<void>): Promise<void> {
  try {
    while (true) {
      if (packets.advance()) {
        if (isEnd(packets)) return;
      } else {
        void stop();
        await packets.more();
      }
    }
  } catch (error) {
    if (packets.failure !== undefined) throw error;
  }
}

/** Kills a statement over another connection until it has ended; gives the connection up when it does not, on the server too. */
export async function killUntil(settings: Settings, id: string, done: Promise<void>, packets: PacketStream): Promise<void> {
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  let other: PacketStream | undefined;
  const giveUp = () => {
    packets.fail(connectionLost());
    // A server that computes does not see that nobody is there any more; for one that stands still nobody waits.
    other?.finish(queryCommand(`kill ${id}`));
    setTimeout(() => other?.fail(connectionLost()), killEveryMillis);
  };
  const give = setTimeout(giveUp, stopMillis);
  try {
    other = await openPackets(settings, AbortSignal.timeout(stopMillis));
    while (!isDone && packets.failure === undefined) {
      other.send(queryCommand(`select 1 from information_schema.processlist where id = ${id} and command <> 'Sleep'`));
      const [running] = await readTexts(other);
      if (running !== undefined && !isDone) {
        other.send(queryCommand(`kill query ${id}`));
        await readAnswer(other);
      }
      await Promise.race([done, pause(killEveryMillis)]);
    }
  } catch {
    giveUp();
  } finally {
    clearTimeout(give);
    other?.finish(quit);
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

import type { BeginOptions, Transaction } from "../../core/contract/driver.ts";
import type { Guard } from "./guard/guard.ts";
import { connectionLost, outcomeUnknown, refusal } from "./refusal.ts";
import { queryRows } from "./rows.ts";
import { askOn, type HeldSession, type Session } from "./session.ts";
import { refuseEndings } from "./sql/transaction-gate.ts";
import { serverStatus } from "./wire/protocol.ts";

const never = new AbortController().signal;
/** A rollback that takes longer goes on without us: the server rolls back what a closed connection leaves. */
const rollbackMillis = 10_000;

/** Begins a transaction and keeps the session for it until it is over. */
export async function beginTransaction(
  session: Session,
  guard: Guard,
  { signal, readOnly, isolation }: BeginOptions,
): Promise<Transaction> {
  if (session.readOnly && !readOnly) {
    const message = "Cannot begin a transaction that writes: the connection is read-only";
    throw refusal({ code: "POLICY_DENIED", message, hint: "Begin a read-only transaction, or open the connection for writing" });
  }
  const held = session.hold(readOnly);
  try {
    const level = isolation === undefined ? [] : [`set transaction isolation level ${isolation}`];
    await held.texts(signal, ...level, `start transaction ${readOnly ? "read only" : "read write"}`);
    signal.throwIfAborted();
  } catch (error) {
    await rollBack(held);
    throw error;
  }
  return createTransaction(held, guard);
}

function createTransaction(held: HeldSession, guard: Guard): Transaction {
  const wanted = serverStatus.inTransaction | (held.readOnly ? serverStatus.inReadOnlyTransaction : 0);
  let over: string | undefined;
  const end = async (why: string) => {
    over = why;
    await rollBack(held);
  };
  /** An error tells nothing of the transaction, and some end it: a deadlock, a lock waited for too long, a lost snapshot. */
  const look = async (signal: AbortSignal) => {
    if (held.ended) return await end("the connection was lost, and the server rolled it back");
    const failed = held.packets.status === undefined;
    if (failed) await held.texts(signal, "do 0");
    if (((held.packets.status ?? 0) & wanted) === wanted) return;
    await end(failed ? "the server rolled it back" : "a statement in it committed it");
  };
  const alive = async (signal: AbortSignal) => {
    signal.throwIfAborted();
    if (over === undefined) await look(signal);
    if (over !== undefined) throw refusal({ code: "CONFLICT", message: `The transaction is over: ${over}`, hint: "Begin another one" });
  };
  return {
    async query(sql, params, options) {
      await alive(options.signal);
      const piece = await guard.piece(sql, options.restrictions ?? [], options.signal);
      if (!held.readOnly) refuseEndings(piece);
      return await queryRows(held, piece, params, options);
    },
    async commit(signal) {
      await alive(signal);
      const work = await held.begin(signal, false);
      try {
        await askOn(work, "commit");
      } catch (error) {
        const lost = held.ended;
        await end("it could not be committed");
        throw lost && !held.readOnly ? outcomeUnknown("committing", error) : error;
      }
      over = "it was committed";
      held.release();
    },
    async rollback() {
      await alive(never);
      await end("it was rolled back");
    },
    async [Symbol.asyncDispose]() {
      if (over === undefined) await end("it was rolled back");
    },
  };
}

async function rollBack(held: HeldSession): Promise<void> {
  try {
    await held.settle();
    if (!held.ended) await held.texts(AbortSignal.timeout(rollbackMillis), "rollback");
  } catch (error) {
    held.packets.fail(connectionLost(error));
  } finally {
    held.release();
  }
}

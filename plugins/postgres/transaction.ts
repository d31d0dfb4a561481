import type { BeginOptions, Transaction } from "../../core/contract/driver.ts";
import { refusal } from "./refusal.ts";
import { whole } from "./sql/scope.ts";
import { type Engine, runInside } from "./statement/run.ts";

const isolations = ["read committed", "repeatable read", "serializable"] as const;

/** Begins a transaction that holds the session until it is over. Each call in it is undone alone when it fails. */
export async function beginTransaction(engine: Engine, { signal, readOnly, isolation }: BeginOptions): Promise<Transaction> {
  const { session } = engine;
  if (session.readOnly && !readOnly) {
    throw refusal({
      code: "POLICY_DENIED",
      message: "Cannot begin a transaction that writes: the connection is read-only",
      hint: "Begin a read-only one, or open the connection for writing",
    });
  }
  const level = isolation === undefined ? "" : `ISOLATION LEVEL ${known(isolation).toUpperCase()} `;
  const holder = {};
  await session.during(signal, async (work) => {
    work.transaction(`${level}READ ${readOnly ? "ONLY" : "WRITE"}`);
    await work.ready();
    work.handOver(undefined);
    session.holder = holder;
  });
  const end = async (how: "COMMIT" | "ROLLBACK", signal: AbortSignal) => {
    const work = await session.begin(signal, holder);
    session.holder = undefined;
    work.handOver(whole(readOnly));
    await work.end(how);
  };
  const rollback = () => end("ROLLBACK", new AbortController().signal);
  return {
    query: (sql, params, options) => runInside(engine, { holder, readOnly }, { sql, params, options }),
    commit: (signal) => end("COMMIT", signal),
    rollback,
    async [Symbol.asyncDispose]() {
      if (session.holder === holder && !session.ended) await rollback();
    },
  };
}

/** Core may have it from somebody who has not been checked. */
function known(isolation: string): string {
  const level = isolations.find((name) => name === isolation);
  if (level !== undefined) return level;
  throw refusal({
    code: "INPUT_INVALID",
    message: `PostgreSQL has no isolation level "${isolation}"`,
    hint: `Use one of: ${isolations.join(", ")}`,
  });
}

import type { BeginOptions, Transaction } from "../../core/contract/driver.ts";
import { located } from "./errors/diagnose.ts";
import { refusal } from "./errors/refusal.ts";
import { runToEnd } from "./run.ts";
import { interruptible, type Session } from "./session.ts";
import { only } from "./sql/gate.ts";
import { classify } from "./sql/statement.ts";

/** What a transaction may hold: nothing that would end it, and nothing that changes the engine. */
const allowed = new Set(["read", "write", "schema"]);

/**
 * A transaction on one session of the engine, which belongs to it until it is over. The engine gives a transaction up after
 * an error: what follows fails until it is rolled back.
 */
export async function beginTransaction(session: Session, { readOnly, isolation, signal }: BeginOptions): Promise<Transaction> {
  let over = false;
  const end = async (how: "COMMIT" | "ROLLBACK") => {
    if (over) throw closed();
    over = true;
    try {
      await session.native.run(how);
    } finally {
      await session.end();
    }
  };
  try {
    if (isolation !== undefined && isolation !== "repeatable read")
      throw refusal({
        code: "UNSUPPORTED",
        message: `DuckDB has no isolation level "${isolation}"`,
        hint: "Leave it out: DuckDB isolates by snapshots",
      });
    await interruptible(session.native, signal, session.native.run(readOnly ? "BEGIN TRANSACTION READ ONLY" : "BEGIN TRANSACTION"));
  } catch (error) {
    await session.end();
    throw error;
  }
  return {
    async query(sql, params, options) {
      if (over) throw closed();
      try {
        const statement = only(await classify(session.native, session.engine.grammarOf(session.native), sql));
        if (!allowed.has(statement.kind) || (readOnly && statement.kind !== "read"))
          throw refusal({
            code: allowed.has(statement.kind) ? "POLICY_DENIED" : "UNSUPPORTED",
            message: `Cannot run ${statement.label} in ${readOnly ? "a read-only" : "this"} transaction`,
            hint: "End the transaction first",
          });
        return await runToEnd({ ...session, end: async () => undefined }, statement, params, options);
      } catch (error) {
        throw located(error, sql);
      }
    },
    commit: () => end("COMMIT"),
    rollback: () => end("ROLLBACK"),
    [Symbol.asyncDispose]: async () => {
      if (!over) await end("ROLLBACK");
    },
  };
}

const closed = (): Error => refusal({ code: "CONFLICT", message: "The transaction is over", hint: "Begin a new one" });

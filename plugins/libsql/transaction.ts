import type { Transaction } from "../../core/contract/driver.ts";
import type { Scope } from "./engine.ts";
import { refusal } from "./refusal.ts";
import { createRowStream } from "./rows.ts";
import { start, type Workplace } from "./run.ts";

/** A transaction for a caller. `over` is told once, when it has ended. */
export function createTransaction(place: Workplace, scope: Scope, over: () => void): Transaction {
  let open = true;
  const live = () => {
    if (!open) throw refusal({ code: "CONFLICT", message: "The transaction is over", hint: "Begin another one" });
  };
  const end = async (work: () => Promise<void>) => {
    live();
    open = false;
    try {
      await work();
    } finally {
      over();
    }
  };
  return {
    async query(sql, params, options) {
      options.signal.throwIfAborted();
      live();
      return createRowStream(await start(place, sql, params, options.signal), options);
    },
    commit: (signal) =>
      end(async () => {
        try {
          await scope.commit(signal);
        } catch (error) {
          await scope.rollback();
          throw error;
        }
      }),
    rollback: () => end(() => scope.rollback()),
    async [Symbol.asyncDispose]() {
      if (open) await end(() => scope.rollback());
    },
  };
}

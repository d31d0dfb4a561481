import type { Params, QueryOptions, Transaction } from "../../core/contract/driver.ts";
import type { Scope } from "./engine.ts";
import { refusal } from "./refusal.ts";
import { createRowStream, type RowSource } from "./rows.ts";
import type { Workplace } from "./run.ts";

export interface Within {
  readonly scope: Scope;
  started(place: Workplace, sql: string, params: Params, options: QueryOptions): Promise<RowSource>;
  /** Told once, when it has ended. */
  over(): void;
}

/** A transaction for a caller. */
export function createTransaction(place: Workplace, { scope, started, over }: Within): Transaction {
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
      return createRowStream(await started(place, sql, params, options), options);
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

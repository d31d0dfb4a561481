import type { BeginOptions, Transaction } from "../../contract/driver.ts";
import { type Seat, seatError } from "./process.ts";
import { openRows } from "./streams.ts";

/** Whether a connection's one transaction lives. */
export interface Turn {
  held: boolean;
}

/** While a transaction lives the child runs every query in it. A cancel ends the child, and the transaction with it. */
export async function begin(seat: Seat, { signal, ...options }: BeginOptions, turn: Turn): Promise<Transaction> {
  await seat.ask({ do: "begin", ...options }, signal);
  turn.held = true;
  const never = new AbortController().signal;
  let over = false;
  const refuseLate = () => {
    if (over) throw seatError({ code: "CONFLICT", message: "The transaction is over", hint: "Begin a new one" });
  };
  const end = async (how: "commit" | "rollback", within: AbortSignal) => {
    refuseLate();
    over = true;
    turn.held = false;
    await seat.ask({ do: how }, within);
  };
  return {
    async query(sql, params, given) {
      refuseLate();
      return openRows(seat, sql, params, given);
    },
    commit: (within) => end("commit", within),
    rollback: () => end("rollback", never),
    [Symbol.asyncDispose]: async () => {
      if (!over && !seat.ended()) await end("rollback", never);
    },
  };
}

import type { BeginOptions, Connection, Transaction } from "../../core/contract/driver.ts";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";

/** A transaction on the session's only connection, which belongs to it until it is over. */
export function beginTransaction(
  session: Session,
  { readOnly, isolation, signal }: BeginOptions,
  query: Connection["query"],
  done: () => void,
): Transaction {
  signal.throwIfAborted();
  if (isolation !== undefined && isolation !== "serializable")
    throw refusal({
      code: "UNSUPPORTED",
      message: `SQLite has no isolation level "${isolation}"`,
      hint: "Leave it out: SQLite's transactions are serializable",
    });
  const { database, trusted } = session;
  // Taking the lock at once keeps a read that becomes a write from failing half-way.
  trusted(() => database.exec(readOnly ? "begin" : "begin immediate"));
  let over = false;
  const end = (how: "commit" | "rollback") => {
    if (over) throw closed();
    over = true;
    done();
    // A full disk or a trigger may have rolled back already: then there is nothing to keep.
    if (!database.isTransaction && how === "commit") throw lost();
    if (database.isTransaction) trusted(() => database.exec(how));
  };
  return {
    async query(sql, params, options) {
      if (over) throw closed();
      if (!database.isTransaction) throw lost();
      const kind = session.examine(sql)[0]?.kind ?? "read";
      if (kind !== "read" && (readOnly || !["write", "schema"].includes(kind)))
        throw refusal({
          code: ["write", "schema"].includes(kind) ? "POLICY_DENIED" : "UNSUPPORTED",
          message: `The statement cannot run in ${readOnly ? "a read-only" : "this"} transaction`,
          hint: "End the transaction first",
        });
      return query(sql, params, options);
    },
    commit: async () => end("commit"),
    rollback: async () => end("rollback"),
    [Symbol.asyncDispose]: async () => {
      if (!over) end("rollback");
    },
  };
}

const closed = (): Error => refusal({ code: "CONFLICT", message: "The transaction is over", hint: "Begin a new one" });
const lost = (): Error =>
  refusal({
    code: "CONFLICT",
    message: "SQLite rolled the transaction back after an error",
    hint: "Begin a new one and send its statements again",
  });

import { refusal } from "../refusal.ts";
import type { Kind } from "./kind.ts";
import { lower } from "./kind.ts";
import type { Token } from "./lexer.ts";

const transactionWords = new Set(["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"]);

/** Says no before the server is asked to run anything; the read-only transaction stands behind it. */
export function passGate(kind: Kind, statement: readonly Token[], readOnly: boolean): void {
  const first = lower(statement[0]);
  if (readOnly && kind !== "read") {
    throw refusal({
      code: "POLICY_DENIED",
      message: "Cannot run this statement: the connection is read-only",
      hint: "Open the connection for writing",
    });
  }
  if (transactionWords.has(first) || (first === "prepare" && lower(statement[1]) === "transaction")) {
    throw refusal({
      code: "UNSUPPORTED",
      message: `Cannot run ${first.toUpperCase()}: no statement begins or ends a transaction here`,
      hint: "Leave it out: what succeeds is kept",
    });
  }
  if (first === "copy") {
    throw refusal({
      code: "UNSUPPORTED",
      message: "Cannot run COPY as a query: its rows are no result",
      hint: "Export a select instead, or insert rows",
    });
  }
}

import type { StatementSync } from "node:sqlite";
import type { Bound } from "./parameters.ts";
import { refusal } from "./refusal.ts";
import { throwHiddenError } from "./runtime.ts";
import type { Session } from "./session.ts";

/** One cell as `node:sqlite` reads it with big integers on. */
export type Cell = null | number | bigint | string | Uint8Array;

/** The rows of a running statement. Closing it frees the statement and its locks. */
export interface Steps {
  /** The next row, or `undefined` after the last one. */
  next(): readonly Cell[] | undefined;
  close(): void;
}

export function startSteps({ database, hidesErrors }: Session, statement: StatementSync, bound: Bound): Steps {
  const width = statement.columns().length;
  const rows = statement.iterate(...(bound as readonly never[])) as Iterator<unknown, unknown> as Iterator<readonly Cell[], null>;
  let open = true;
  const close = () => {
    open = false;
    rows.return?.();
  };
  return {
    close,
    next() {
      if (!open) return undefined;
      const step = rows.next();
      if (!step.done) {
        if (step.value.length !== width) throw schemaChanged();
        return step.value;
      }
      open = false;
      if (hidesErrors) throwHiddenError(database);
      return undefined;
    },
  };
}

/** SQLite prepares a statement again by itself when the schema changed, and `*` may then mean other columns. */
function schemaChanged(): Error {
  return refusal({
    code: "CONNECTION_FAILED",
    message: "The schema changed while the statement started",
    hint: "Run it again",
    retryable: true,
  });
}

/** Rows that were read before, in the same form. */
export function finishedSteps(rows: readonly (readonly Cell[])[]): Steps {
  let next = 0;
  return {
    next: () => rows[next++],
    close: () => {
      next = rows.length;
    },
  };
}

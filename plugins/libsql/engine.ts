import type { ReadOnlyAttempt } from "../../core/contract/driver.ts";
import type { Column } from "../../core/contract/rows.ts";
import type { Facts } from "./facts.ts";

/** One cell as the engine hands it over; integers are always `bigint`. */
export type Cell = null | number | bigint | string | Uint8Array;
export type Row = readonly Cell[];

/** Values for the parameters of a statement, in its order. With names, prefixes included, where it names all of them. */
export interface Args {
  readonly values: Row;
  readonly names?: readonly string[];
}

export const noArgs: Args = { values: [] };

/** The rows of a running statement, some at a time. Closing it stops the engine and frees its locks. */
export interface Reader {
  readonly columns: readonly Column[];
  /** The next rows, at least one; `undefined` after the last. */
  next(): Promise<readonly Row[] | undefined>;
  close(): Promise<void>;
}

/** What a statement is, by the engine's own account; nothing has run. */
export interface Description {
  readonly columns: readonly Column[];
  /** False when there is any possibility that it changes the database. */
  readonly readOnly: boolean;
}

export type Rewrite = (columns: readonly Column[]) => string;

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** The statement to run for the given one, by the columns that has. */
  readonly rewritten?: Rewrite;
  /** True for a statement that is no read, though it answers with rows. */
  readonly writes?: boolean;
}

/** Where statements run. Takes one at a time. */
export interface Session {
  readonly facts: Facts;
  describe(sql: string, signal: AbortSignal): Promise<Description>;
  /** Starts a statement that reads, or one that returns what it wrote. */
  read(sql: string, args: Args, options: ReadOptions): Promise<Reader>;
  /** Runs a statement that returns nothing. Returns the number of rows it changed. */
  write(sql: string, args: Args, signal: AbortSignal): Promise<number>;
}

/** A transaction; ended by exactly one of `commit` and `rollback`. */
export interface Scope extends Session {
  commit(signal: AbortSignal): Promise<void>;
  rollback(): Promise<void>;
}

/** An open database: a file, or a server. Outside a scope, `read` changes nothing on a read-only engine. */
export interface Engine extends Session {
  readonly readOnly: boolean;
  readonly ended: boolean;
  begin(options: { readonly readOnly: boolean; readonly signal: AbortSignal }): Promise<Scope>;
  /** Tries to make a table with nothing of this driver's checks before it, where a reader's statements run. */
  tryWrite(table: string, signal: AbortSignal): Promise<Omit<ReadOnlyAttempt, "attempt">>;
  /** Forgets what a caller left on the session. */
  reset(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

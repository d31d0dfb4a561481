import { constants } from "node:sqlite";

/** One thing SQLite asks leave for while it prepares a statement. */
export interface Event {
  readonly action: number;
  readonly first: string;
  readonly second: string;
  readonly database: string;
  /** The innermost view, or common table expression, on whose behalf it asks. */
  readonly within: string;
}

/** What each action of a write does with a table, and which argument names that table. */
export const writesOf: Readonly<Record<number, readonly ["insert" | "update" | "delete" | "schema", "first" | "second"]>> = {
  [constants.SQLITE_INSERT]: ["insert", "first"],
  [constants.SQLITE_UPDATE]: ["update", "first"],
  [constants.SQLITE_DELETE]: ["delete", "first"],
  [constants.SQLITE_DROP_TABLE]: ["schema", "first"],
  [constants.SQLITE_DROP_VIEW]: ["schema", "first"],
  [constants.SQLITE_DROP_VTABLE]: ["schema", "first"],
  [constants.SQLITE_ALTER_TABLE]: ["schema", "second"],
  [constants.SQLITE_CREATE_INDEX]: ["schema", "second"],
  [constants.SQLITE_DROP_INDEX]: ["schema", "second"],
  [constants.SQLITE_CREATE_TRIGGER]: ["schema", "second"],
  [constants.SQLITE_DROP_TRIGGER]: ["schema", "second"],
};

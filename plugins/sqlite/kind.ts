import { constants } from "node:sqlite";
import type { Statement } from "../../core/contract/driver.ts";
import { tokensOf } from "./lexer.ts";

export type Kind = Statement["kind"];

/** From harmless to unknown: a statement is as strong as the strongest thing it does. */
const strength: readonly Kind[] = ["read", "write", "schema", "session", "admin", "unknown"];

/** SQLite's authorizer codes; the sets are closed, so that a code of a later version is `unknown`. */
const reads = new Set([constants.SQLITE_SELECT, constants.SQLITE_READ, constants.SQLITE_FUNCTION, constants.SQLITE_RECURSIVE]);
const writes = new Set([constants.SQLITE_INSERT, constants.SQLITE_UPDATE, constants.SQLITE_DELETE]);
const schemas = new Set([
  ...range(constants.SQLITE_CREATE_INDEX, constants.SQLITE_CREATE_VIEW),
  ...range(constants.SQLITE_DROP_INDEX, constants.SQLITE_DROP_VIEW),
  ...range(constants.SQLITE_ALTER_TABLE, constants.SQLITE_DROP_VTABLE),
]);
const sessions = new Set([constants.SQLITE_TRANSACTION, constants.SQLITE_SAVEPOINT]);
const admins = new Set([constants.SQLITE_ATTACH, constants.SQLITE_DETACH]);

/** Pragmas that only tell something when they have no argument. */
const tellingPragmas = new Set(
  `analysis_limit application_id auto_vacuum automatic_index busy_timeout cache_size cache_spill cell_size_check
  checkpoint_fullfsync collation_list compile_options data_version database_list defer_foreign_keys encoding foreign_key_check
  foreign_keys freelist_count full_column_names fullfsync function_list ignore_check_constraints integrity_check journal_mode
  journal_size_limit legacy_alter_table locking_mode max_page_count mmap_size module_list page_count page_size pragma_list query_only
  quick_check read_uncommitted recursive_triggers reverse_unordered_selects schema_version secure_delete short_column_names synchronous
  table_list temp_store threads trusted_schema user_version wal_autocheckpoint`.split(/\s+/),
);

/** Pragmas whose argument names what to tell about. */
const askingPragmas = new Set(
  "foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info table_list table_xinfo".split(
    " ",
  ),
);

/** Functions that load code, or tell where code lies in memory. */
const adminFunctions = new Set(["load_extension", "fts3_tokenizer"]);

/** What one authorizer event says about the statement it belongs to. */
export function kindOfEvent(action: number, first: string | null, second: string | null): Kind {
  if (action === constants.SQLITE_FUNCTION && adminFunctions.has(second?.toLowerCase() ?? "")) return "admin";
  if (action === constants.SQLITE_PRAGMA) return isReadPragma(first ?? "", second) ? "read" : "session";
  if (reads.has(action)) return "read";
  if (writes.has(action)) return "write";
  if (schemas.has(action)) return "schema";
  if (sessions.has(action)) return "session";
  return admins.has(action) ? "admin" : "unknown";
}

export function stronger(a: Kind, b: Kind): Kind {
  return strength.indexOf(a) > strength.indexOf(b) ? a : b;
}

/** The kind of a statement that raised no event: VACUUM, and changes to things that turn out not to be there. */
export function kindOfSilence(sql: string): Kind {
  for (const { text } of tokensOf(sql)) {
    const word = text.toLowerCase();
    if (word === ";" || word === "explain" || word === "query" || word === "plan") continue;
    return word === "vacuum" ? "admin" : word === "reindex" || word === "drop" ? "schema" : "unknown";
  }
  return "unknown";
}

function isReadPragma(name: string, argument: string | null): boolean {
  return (argument === null ? tellingPragmas : askingPragmas).has(name.toLowerCase());
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

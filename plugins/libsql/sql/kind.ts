import type { Statement } from "../../../core/contract/driver.ts";
import type { Facts } from "../facts.ts";
import type { Token } from "./lexer.ts";
import { explained, type Piece } from "./statements.ts";

export type Kind = Statement["kind"];

/** From harmless to unknown: a statement is as strong as the strongest thing it does. */
const strength: readonly Kind[] = ["read", "write", "schema", "session", "admin", "unknown"];

/** What the first word says. For a query it says nothing yet: its program does. */
const words: Readonly<Record<string, Kind>> = {
  select: "read",
  values: "read",
  with: "read",
  insert: "write",
  replace: "write",
  update: "write",
  delete: "write",
  create: "schema",
  drop: "schema",
  alter: "schema",
  reindex: "schema",
  analyze: "schema",
  begin: "session",
  commit: "session",
  end: "session",
  rollback: "session",
  savepoint: "session",
  release: "session",
  attach: "admin",
  detach: "admin",
  vacuum: "admin",
};

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

/**
 * Functions that read or write the files of the engine's machine, run SQL of their own, load code, or change how it
 * encrypts. The engine itself marks all but the last, and lets those be called by a statement only, so that a look at
 * the text finds them; they are listed for engines that mark nothing.
 */
const adminFunctions = new Set(
  `readfile writefile sha3_query load_extension fts3_tokenizer
  sqlite3mc_config sqlite3mc_config_table sqlite3mc_codec_data`.split(/\s+/),
);

/** A table of the machine's files, for which the same holds. */
const adminTable = /^["'`[]?fsdir["'`\]]?$/;

/** True for a statement that takes effect when it is prepared, so that the engine must not even see it. */
export function isPragma({ tokens }: Piece): boolean {
  return explained(tokens)[0]?.word === "pragma";
}

/** True for a query that can stand in a query. */
export function isQuery({ tokens }: Piece): boolean {
  return words[tokens[0]?.word ?? ""] === "read";
}

/** What the words of a statement say of it. */
export function kindOfWords({ tokens }: Piece, { directOnly }: Facts): Kind {
  const [first, ...rest] = explained(tokens);
  if (first?.word === "pragma") return isTelling(rest) ? "read" : "session";
  const reachesOut = ({ word }: Token, index: number) => {
    if (adminTable.test(word)) return true;
    const name = /^["`[]/.test(word) ? word.slice(1, -1) : word;
    return tokens[index + 1]?.text === "(" && (adminFunctions.has(name) || directOnly.has(name));
  };
  if (tokens.some(reachesOut)) return "admin";
  return words[first?.word ?? ""] ?? "unknown";
}

export function stronger(a: Kind, b: Kind): Kind {
  return strength.indexOf(a) > strength.indexOf(b) ? a : b;
}

/** `name`, `schema.name`, `name(argument)` or `name = argument`. */
function isTelling(tokens: readonly Token[]): boolean {
  const named = tokens[1]?.text === "." ? tokens.slice(2) : tokens;
  const [name, ...argument] = named;
  if (name === undefined) return false;
  return (argument.length === 0 ? tellingPragmas : askingPragmas).has(name.word);
}

import { unparsable } from "../errors/diagnose.ts";
import { refusal } from "../errors/refusal.ts";
import type { Grammar } from "./grammar.ts";

/** What the parser shows of a text that holds only SELECTs. */
export interface Tree {
  readonly count: number;
  /** Every function called, by its lower-case name. */
  readonly functions: readonly string[];
  /** The tree itself, whole, so that it can be given back. */
  readonly json: string;
}

/**
 * Functions a SELECT may not call, though the engine counts it as one. Some change the engine for everyone (a log or a
 * profile that cannot be written fails every later statement), print to the terminal, or replace a file: profiling into
 * a JSON file of the connection overwrites it. Others run SQL that is a text, or read memory at an address.
 */
export const forbiddenFunctions: ReadonlySet<string> = new Set([
  "arrow_scan",
  "arrow_scan_dumb",
  "checkpoint",
  "disable_logging",
  "disable_peg_parser",
  "disable_profiling",
  "enable_logging",
  "enable_peg_parser",
  "enable_profiling",
  "force_checkpoint",
  "json_execute_serialized_sql",
  "query",
  "truncate_duckdb_logs",
  "write_log",
]);

/** Functions that change what is stored. */
export const writingFunctions: ReadonlySet<string> = new Set(["nextval"]);

/** The pragmas that only look. */
export const readingPragmas: ReadonlySet<string> = new Set([
  "collations",
  "database_list",
  "database_size",
  "functions",
  "metadata_info",
  "platform",
  "show",
  "show_databases",
  "show_tables",
  "show_tables_expanded",
  "storage_info",
  "table_info",
  "user_agent",
  "version",
]);

/** Parses with the engine's own parser, without looking at its catalog. `undefined` when the text is not only SELECTs. */
export async function parse(grammar: Grammar, sql: string): Promise<Tree | undefined> {
  const json = await grammar.serialize(sql);
  if (json.startsWith('{"error":true')) {
    if (!json.startsWith('{"error":true,"error_type":"not implemented"')) throw syntaxError(sql, JSON.parse(json));
    return undefined;
  }
  const { statements } = JSON.parse(json) as { readonly statements?: readonly unknown[] };
  // Inside a string of the tree these quotes would be escaped, so a literal cannot be taken for a call.
  const functions = [...json.matchAll(/"function_name":"((?:[^"\\]|\\.)*)"/g)].map(([, name]) => (name as string).toLowerCase());
  return { count: statements?.length ?? 0, functions, json };
}

function syntaxError(sql: string, { error_message, position }: { readonly error_message: string; readonly position?: string }): Error {
  return refusal({
    ...unparsable(error_message),
    ...(position !== undefined && { position: [...sql].slice(0, Number(position)).join("").length }),
  });
}

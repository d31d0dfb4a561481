import type { Diagnosis } from "../../../core/contract/problem.ts";

/** Longer texts are not analysed: no person or model writes them, and reading them takes long. */
const mostCharacters = 65_536;

/** Text that parsers read in different ways, or that is too long to read. */
export function unreadable(sql: string): Diagnosis | undefined {
  const wrong = sql.startsWith("\uFEFF") ? "begins with a byte order mark" : sql.includes("\0") ? "holds U+0000" : undefined;
  if (wrong !== undefined || !sql.isWellFormed())
    return {
      code: "SQL_INVALID",
      message: `The text ${wrong ?? "holds half of a surrogate pair"}`,
      hint: "Send the statement as plain Unicode text",
    };
  if (sql.length <= mostCharacters) return undefined;
  return {
    code: "LIMIT_EXCEEDED",
    message: `The statement has ${sql.length} characters, and ${mostCharacters} is the most that is analysed`,
    hint: "Pass long values as parameters",
  };
}

/** Whether a server of that version reads the same words in a text as PostgreSQL 18, which the grammar is of: before 16 `1_000` and `0x1F` were two each, before 17 a vertical tab was no blank. */
export const lexesAlike = (sql: string, version: number): boolean =>
  (version >= 160_000 || !/\d_|0[xXoObB]/.test(sql)) && (version >= 170_000 || !sql.includes("\v"));

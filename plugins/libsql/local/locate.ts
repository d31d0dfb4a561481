import { type EngineError, engineError, isEngineError } from "../engine-error.ts";
import { missingName } from "../missing.ts";
import { tokensOf } from "../sql/lexer.ts";

/** Longer texts with a word that often are not searched further: each try prepares a statement. */
const mostTries = 50;

/** The engine's error with the character offset where it stopped reading, as far as that can be told. */
export function locate(error: unknown, sql: string, prepare: (sql: string) => unknown): unknown {
  if (!isEngineError(error)) return error;
  const position = find(error, sql, prepare);
  return position === undefined ? error : engineError(error.message, error.result, { position, cause: error });
}

function find({ message }: EngineError, sql: string, prepare: (sql: string) => unknown): number | undefined {
  if (message === "incomplete input") return sql.length;
  const word = /^(?:near "([\s\S]*)": syntax error|unrecognized token: "([\s\S]*)")$/.exec(message);
  if (word === null) return findName(missingName(message), sql);
  const spelt = word[1] ?? word[2];
  // The engine names the word but not which one. It stops at the same one when the rest is cut off.
  const candidates = tokensOf(sql)
    .filter(({ text }) => text === spelt)
    .slice(0, mostTries);
  return candidates.find(({ text, start }) => messageOf(() => prepare(sql.slice(0, start + text.length))) === message)?.start;
}

function findName(name: string | undefined, sql: string): number | undefined {
  const last = name?.split(".").at(-1)?.toLowerCase();
  const found = tokensOf(sql).filter(({ word }) => (/^["`[]/.test(word) ? word.slice(1, -1) : word) === last);
  return found.length === 1 ? found[0]?.start : undefined;
}

function messageOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

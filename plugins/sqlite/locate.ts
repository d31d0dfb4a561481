import { tokensOf } from "./lexer.ts";

/** Longer texts with a word that often are not searched further: each try prepares a statement. */
const mostTries = 50;

/** The engine's error with the character offset where it stopped reading, as far as that can be told. */
export function locate(error: unknown, sql: string, start: number, prepare: (sql: string) => unknown): unknown {
  if (!(error instanceof Error)) return error;
  const position = find(error.message, sql.slice(start), prepare);
  return position === undefined ? error : Object.assign(error, { position: start + position });
}

export function positionOf(error: unknown): number | undefined {
  return error instanceof Error && "position" in error && typeof error.position === "number" ? error.position : undefined;
}

export interface Absent {
  /** As SQLite says it: `table`, `column`, `function`. */
  readonly what: string;
  readonly name: string;
}

/** What an engine message says is not there. */
export function absentIn(message: string): Absent | undefined {
  const shared = /^cannot join using column ([\s\S]+) - column not present in both tables$/.exec(message)?.[1];
  if (shared !== undefined) return { what: "column", name: shared };
  const [, what, quoted, name = quoted] =
    /^no such (\w[\w ]*): (?:"([\s\S]*)" - should this be a string literal in single-quotes\?|([\s\S]+))$/.exec(message) ?? [];
  return what === undefined || name === undefined ? undefined : { what, name };
}

/** The name a message says is not there, where it is the name of a table, a view or a column. */
export function missingName(message: string): string | undefined {
  const absent = absentIn(message);
  return absent && /^(?:table|view|column)$/.test(absent.what) ? absent.name : undefined;
}

function find(message: string, sql: string, prepare: (sql: string) => unknown): number | undefined {
  if (message === "incomplete input") return sql.length;
  const word = /^(?:near "([\s\S]*)": syntax error|unrecognized token: "([\s\S]*)")$/.exec(message);
  if (word === null) return findName(missingName(message), sql);
  const spelt = word[1] ?? word[2];
  // The engine names the word but not which one. It stops at the same one when the rest is cut off.
  const candidates = [...tokensOf(sql)].filter(({ text }) => text === spelt).slice(0, mostTries);
  return candidates.find(({ text, start }) => messageOf(() => prepare(sql.slice(0, start + text.length))) === message)?.start;
}

function findName(name: string | undefined, sql: string): number | undefined {
  const last = name?.split(".").at(-1)?.toLowerCase();
  const found = [...tokensOf(sql)].filter(({ text }) => unquoted(text).toLowerCase() === last);
  return found.length === 1 ? found[0]?.start : undefined;
}

function unquoted(text: string): string {
  return /^["`[]/.test(text) ? text.slice(1, -1) : text;
}

function messageOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

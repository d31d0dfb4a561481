import { tokensOf } from "../lexer.ts";

/** Words, names, literals and signs in lower case; blanks and comments left out. */
export function wordsOf(sql: string): string[] {
  return [...tokensOf(sql)].map(({ text }) => text.toLowerCase());
}

/** The name a word stands for. SQLite also takes a text in single quotes for one. */
export function nameOf(word: string): string {
  const quote = word[0] ?? "";
  if (!/["`'[]/.test(quote)) return word;
  const inner = word.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}

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

/** The common table expressions at the outermost level: no other part of the statement is beyond their reach. */
export function commonNames(words: readonly string[]): Set<string> {
  const found = new Set<string>();
  const start = words.findIndex((word) => !/^(explain|query|plan)$/.test(word));
  if (words[start] !== "with") return found;
  let depth = 0;
  for (let at = start + 1; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "(") depth++;
    else if (word === ")") depth--;
    else if (depth === 0 && /^(select|values|insert|update|delete|replace)$/.test(word)) break;
    else if (depth === 0 && /^(with|recursive|,)$/.test(words[at - 1] ?? "")) found.add(nameOf(word));
  }
  return found;
}

/** Whatever may be a common table expression, at any level. */
export function definedNames(words: readonly string[]): Set<string> {
  const isDefined = (at: number) => /^(with|recursive|,)$/.test(words[at - 1] ?? "") && /^(as|\()$/.test(words[at + 1] ?? "");
  return new Set(words.filter((_, at) => isDefined(at)).map(nameOf));
}

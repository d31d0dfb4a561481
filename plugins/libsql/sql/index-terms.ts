import { tokensOf } from "./lexer.ts";

/** The columns and expressions of a CREATE INDEX statement, as they are written. */
export function indexTerms(definition: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { text, start: at } of tokensOf(definition)) {
    if (text === ")") depth--;
    if (depth === 1 && text === ",") {
      terms.push(definition.slice(start, at).trim());
      start = at + 1;
    }
    if (depth === 0 && text === ")") return [...terms, definition.slice(start, at).trim()];
    if (text === "(" && depth++ === 0) start = at + 1;
  }
  return terms;
}

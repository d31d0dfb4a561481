import type { Statement } from "../../../core/contract/driver.ts";
import { kindOfFunction } from "./functions.ts";
import type { Token } from "./lexer.ts";

export type Kind = Statement["kind"];

const byFirstWord: Readonly<Record<string, Kind>> = {
  show: "read",
  ...of("write", "insert update delete merge truncate copy"),
  ...of("schema", "create alter drop comment grant revoke reassign refresh reindex cluster import security"),
  ...of("session", "begin start commit end rollback abort savepoint release set reset discard prepare execute deallocate"),
  ...of("session", "declare fetch move close listen unlisten notify lock"),
  ...of("admin", "analyze analyse vacuum checkpoint load"),
};

const reading = new Set(["select", "values", "table", "with", "("]);
const changing = new Set(["insert", "update", "delete", "merge"]);

/** What a statement is, by the words it is made of; `unknown` for all that is not surely anything. */
export function kindOf(statement: readonly Token[]): Kind {
  const first = lower(statement[0]);
  if (first === "explain") return kindOf(statement.slice(explainedAt(statement)));
  if (!reading.has(first)) return byFirstWord[first] ?? "unknown";
  return kindOfRead(statement);
}

function kindOfRead(statement: readonly Token[]): Kind {
  let kind: Kind = "read";
  for (const [index, token] of statement.entries()) {
    const found = effectOf(token, statement[index - 1], statement[index + 1], statement);
    if (found === undefined) continue;
    // The strongest effect is told; any but a read is refused alike.
    if (kind === "read" || found === "admin") kind = found;
  }
  return kind;
}

function effectOf(token: Token, before: Token | undefined, after: Token | undefined, statement: readonly Token[]): Kind | undefined {
  if (token.kind === "name" && /^[uU]&/.test(token.text)) return after?.text === "(" ? "unknown" : undefined;
  if (after?.text === "(" && (token.kind === "word" || token.kind === "name")) {
    const effect = kindOfFunction(nameOf(token));
    if (effect !== undefined) return effect;
  }
  if (token.kind !== "word") return undefined;
  const word = token.text.toLowerCase();
  if (word === "into" && lower(before) !== "insert" && lower(before) !== "merge") return "schema";
  if (word === "for" && /^(?:update|share|no|key)$/.test(lower(after))) return "write";
  // A CTE, or what follows the last one; a column of that name is rare, and refused with it.
  const begins = before === undefined || before.text === "(" || before.text === ")";
  if (changing.has(word) && begins && lower(statement[0]) !== "values") return "write";
  return undefined;
}

/** Where the explained statement begins: after EXPLAIN and its options. */
export function explainedAt(statement: readonly Token[]): number {
  let at = 1;
  if (statement[at]?.text === "(" && !reading.has(lower(statement[at + 1]))) {
    while (at < statement.length && statement[at]?.text !== ")") at++;
    return at + 1;
  }
  while (/^(?:analy[sz]e|verbose)$/.test(lower(statement[at]))) at++;
  return at;
}

/** A name as the engine folds it. */
export function nameOf({ kind, text }: Token): string {
  return kind === "name" ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

export function lower(token: Token | undefined): string {
  return token?.kind === "word" || token?.kind === "other" ? token.text.toLowerCase() : "";
}

function of(kind: Kind, words: string): Record<string, Kind> {
  return Object.fromEntries(words.split(" ").map((word) => [word, kind]));
}

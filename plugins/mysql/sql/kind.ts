import type { Statement } from "../../../core/contract/driver.ts";
import { harmlessFunctions, harmlessPrefix, plainWords } from "./functions.ts";
import type { Token } from "./lexer.ts";

type Kind = Statement["kind"];

/** What a statement is by its first word, unless it is one that may read. */
const byFirstWord: Readonly<Record<string, Kind>> = Object.fromEntries(
  (
    [
      ["write", "insert update delete replace load import"],
      ["schema", "create alter drop rename truncate"],
      ["session", "set use begin start commit rollback savepoint release lock unlock xa prepare execute deallocate handler"],
      [
        "admin",
        "grant revoke flush kill shutdown install uninstall purge reset change optimize repair check cache backup clone restart stop binlog",
      ],
    ] as const
  ).flatMap(([kind, words]) => words.split(" ").map((word): [string, Kind] => [word, kind])),
);

const readers: ReadonlySet<string> = new Set(["select", "with", "values", "table", "show", "("]);
const describers: ReadonlySet<string> = new Set(["explain", "describe", "desc"]);
/** Inside a statement that reads these write, lock, or keep something: `into @x`, `into outfile`, `next value for`. */
const sideEffects: ReadonlySet<string> = new Set(["into", "procedure", "next", "previous"]);

/** Classifies one statement; whatever is not surely a read is something else. */
export function kindOf(tokens: readonly Token[]): Kind {
  const [first] = tokens;
  if (first === undefined || tokens.some(({ kind }) => kind === "executable")) return "unknown";
  const verb = first.kind === "word" || first.text === "(" ? first.text : "";
  const fixed = Object.hasOwn(byFirstWord, verb) ? byFirstWord[verb] : undefined;
  if (fixed !== undefined) return fixed;
  if (describers.has(verb)) return explainedKind(tokens.slice(1));
  if (verb === "analyze") return isWord(tokens[1], "table", "local", "no_write_to_binlog") ? "admin" : explainedKind(tokens.slice(1));
  if (!readers.has(verb)) return "unknown";
  if (verb === "with") {
    const main = mainVerb(tokens);
    if (main !== "select" && main !== "values" && main !== "table" && main !== "(") return byFirstWord[main] ?? "unknown";
  }
  return onlyReads(tokens) ? "read" : "unknown";
}

/** A plan may run parts of its statement, so it is what the statement is; a bare name describes a table. */
function explainedKind(tokens: readonly Token[]): Kind {
  let at = 0;
  while (isWord(tokens[at], "extended", "partitions", "analyze", "format")) {
    at++;
    if (tokens[at]?.text === "=") at += 2;
  }
  const [verb] = tokens.slice(at);
  if (verb === undefined || isWord(verb, "for")) return "unknown";
  if (verb.text === "(" || (verb.kind === "word" && (readers.has(verb.text) || Object.hasOwn(byFirstWord, verb.text)))) {
    return kindOf(tokens.slice(at));
  }
  return onlyReads(tokens) ? "read" : "unknown";
}

/** The word after the last common table expression: the first at depth 0 that is neither a name nor a part of the list. */
function mainVerb(tokens: readonly Token[]): string {
  let depth = 0;
  for (const [index, { text, kind }] of tokens.entries()) {
    const isSymbol = kind === "symbol";
    if (isSymbol && text === "(" && depth === 0 && isClosed(tokens[index - 1])) return "(";
    if (isSymbol && text === "(") depth++;
    else if (isSymbol && text === ")") depth--;
    else if (depth === 0 && kind === "word" && isClosed(tokens[index - 1]) && text !== "as" && text !== "cycle") return text;
  }
  return "";
}

function isClosed(token: Token | undefined): boolean {
  return token?.kind === "symbol" && token.text === ")";
}

function onlyReads(tokens: readonly Token[]): boolean {
  return tokens.every((token, index) => {
    if (token.kind === "symbol") return token.text !== ":=";
    if (token.kind === "word" && tokens[index - 1]?.text !== ".") {
      if (sideEffects.has(token.text) && !isName(tokens, index) && !isWord(tokens[0], "show")) return false;
      if (token.text === "for" && isWord(tokens[index + 1], "update", "share")) return false;
      if (token.text === "lock" && isWord(tokens[index + 1], "in")) return false;
    }
    return !isCall(tokens, index) || callsNothing(tokens, index);
  });
}

/** `next` and `previous` are names unless `value for` follows. */
function isName(tokens: readonly Token[], index: number): boolean {
  const text = tokens[index]?.text;
  return (text === "next" || text === "previous") && !isWord(tokens[index + 1], "value");
}

function isCall(tokens: readonly Token[], index: number): boolean {
  const kind = tokens[index]?.kind;
  const next = tokens[index + 1];
  return (kind === "word" || kind === "quoted") && next?.kind === "symbol" && next.text === "(";
}

/** A stored function may do anything; so only what is known is let through, and names that a statement gives itself. */
function callsNothing(tokens: readonly Token[], index: number): boolean {
  const { kind, text } = tokens[index] as Token;
  const name = text.toLowerCase();
  const previous = tokens[index - 1];
  if (previous?.text === ".") return false;
  if (harmlessFunctions.has(name) || harmlessPrefix.test(name) || (kind === "word" && plainWords.has(name))) return true;
  if (isClosed(previous) || isWord(previous, "as")) return true;
  return isWord(previous, "with", "recursive", ",") && isWord(tokens[closing(tokens, index + 1) + 1], "as");
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index++) {
    if (tokens[index]?.kind !== "symbol") continue;
    if (tokens[index]?.text === "(") depth++;
    else if (tokens[index]?.text === ")" && --depth === 0) return index;
  }
  return tokens.length;
}

function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token !== undefined && (token.kind === "word" || token.kind === "symbol") && words.includes(token.text);
}

import type { RelationAccess } from "../../../core/contract/analysis.ts";
import type { Token } from "./lexer.ts";

/** A table that a statement names which is not read as a tree. */
export interface Mention {
  readonly schema?: string;
  readonly name: string;
  readonly access: RelationAccess;
}

/** Before the name of what is made, changed or dropped. */
const targetWords = ["table", "tables", "view", "truncate", "sequence"];
/** Before the name of what is read. */
const readWords = ["from", "join", "like", "references", "update", "into", "using"];
const skipped = ["if", "not", "exists", "ignore", "online", "only"];

/** Finds the tables in a statement of which no more is known than its words: what makes or drops tables, or calls a procedure. */
export function mentions(tokens: readonly Token[], kind: string): Mention[] {
  const found: Mention[] = [];
  const isSchema = kind === "schema";
  for (let at = 0; at < tokens.length; at++) {
    const word = tokens[at]?.word ?? "";
    const isTarget = isSchema && (targetWords.includes(word) || (word === "on" && /^(?:index|trigger)$/.test(indexOrTrigger(tokens))));
    if (!isTarget && !readWords.includes(word) && !(word === "to" && tokens[0]?.word === "rename")) continue;
    let next = at + 1;
    while (skipped.includes(tokens[next]?.word ?? "")) next++;
    for (let more = true; more; next++) {
      const name = nameAt(tokens, next);
      if (name === undefined) break;
      found.push({ ...name.name, access: isTarget || word === "to" ? "schema" : isSchema ? "read" : accessOf(tokens, word) });
      next = name.next;
      more = tokens[next]?.word === ",";
    }
  }
  return found;
}

const indexOrTrigger = (tokens: readonly Token[]): string =>
  tokens.slice(0, 6).find(({ word }) => word === "index" || word === "trigger")?.word ?? "";

/** `load data … into table t`. */
function accessOf(tokens: readonly Token[], word: string): RelationAccess {
  return word === "into" && tokens[0]?.word === "load" ? "insert" : "read";
}

function nameAt(tokens: readonly Token[], at: number): { readonly name: Omit<Mention, "access">; readonly next: number } | undefined {
  const first = tokens[at];
  if (first === undefined || !["word", "quoted"].includes(first.kind)) return undefined;
  const second = tokens[at + 2];
  if (tokens[at + 1]?.word !== "." || second === undefined) return { name: { name: first.text }, next: at + 1 };
  return { name: { schema: first.text, name: second.text }, next: at + 3 };
}

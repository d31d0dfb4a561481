import { createHash } from "node:crypto";
import type { Analysis, RelationAccess, RelationUse } from "../../../core/contract/analysis.ts";
import type { Classified } from "../sql/statement.ts";
import { firstWords, skipBlanks } from "../sql/text.ts";
import { calledIn } from "./called.ts";
import type { Relation, Snapshot } from "./snapshot.ts";

const accesses: Readonly<Record<string, RelationAccess>> = {
  insert: "insert",
  update: "update",
  delete: "delete",
  merge: "update",
  truncate: "delete",
};

/**
 * Reads a statement of which the engine shows no tree: what changes something. Every word that is the name of a table counts
 * as that table, and all its columns as used. `undefined` where it does not, as for a PIVOT whose columns it has yet to look up.
 */
export function analyzeChange(sql: string, { kind }: Classified, snapshot: Snapshot): Analysis | undefined {
  if (kind === "read") return undefined;
  const words = wordsOf(sql);
  const own = outermost(words);
  const access = kind === "schema" ? "schema" : own.map((word) => accesses[word]).find((found) => found !== undefined);
  const verb = own.find((word) => accesses[word] !== undefined) ?? firstWords(sql)[0];
  const target = targetOf(words, snapshot);
  const read = namedIn(words, snapshot).filter((relation) => relation !== target);
  const relations: RelationUse[] = read.map((relation) => ({ ...identity(relation), access: "read" as const }));
  if (target !== undefined) relations.unshift({ ...identity(target), access: access ?? "update" });
  return {
    verb,
    relations,
    columns: read.flatMap((relation) =>
      relation.columns.map((column) => ({ schema: relation.schema, table: relation.name, column, places: ["other"] as const })),
    ),
    functions: calledIn(words, kind === "write"),
    complexity: { relations: relations.length, joins: 0, depth: 1, recursive: false },
    ...((access === "update" || access === "delete") && !own.includes("where") && { everyRow: true }),
    fingerprint: createHash("sha256").update(words.join(" ").toLowerCase()).digest("hex").slice(0, 16),
  };
}

const identity = ({ schema, name, kind }: Relation) => ({ schema, name, kind });

/** The first thing named that the catalog knows is what is changed: `insert into x`, `update x`, `drop table if exists x`. */
function targetOf(words: readonly string[], snapshot: Snapshot): Relation | undefined {
  for (let at = 1; at < words.length; at++) {
    const parts = [unquoted(words[at] ?? "")];
    while (words[at + 1] === "." && parts.length < 3) {
      parts.push(unquoted(words[at + 2] ?? ""));
      at += 2;
    }
    const found = snapshot.relation(parts);
    if (found !== undefined) return found;
    if (["select", "as", "values", "from"].includes(parts[0]?.toLowerCase() ?? "") && words[0]?.toLowerCase() !== "delete")
      return undefined;
  }
  return undefined;
}

/** Every relation a word, or words with points between them, may mean. */
export function namedIn(words: readonly string[], snapshot: Snapshot): Relation[] {
  const found = words.flatMap((word, at) => {
    const schema = words[at - 1] === "." ? [unquoted(words[at - 2] ?? "")] : [];
    return snapshot.relation([...schema, unquoted(word)]) ?? snapshot.relation([unquoted(word)]) ?? [];
  });
  return [...new Set(found)];
}

/** The words outside of parentheses, where subqueries and what stands before the verb are. */
function outermost(words: readonly string[]): string[] {
  let depth = 0;
  return words.flatMap((word) => {
    if (word === "(") depth++;
    else if (word === ")") depth--;
    return depth === 0 ? [word.toLowerCase()] : [];
  });
}

const literal = /^(?:\$(\w*)\$[\s\S]*?\$\1\$|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*')/;

/** Words, names in quotes and signs, without comments and, unless they are wanted, literals. */
export function wordsOf(sql: string, literals = false): string[] {
  const words: string[] = [];
  for (let at = skipBlanks(sql, 0); at < sql.length; at = skipBlanks(sql, at)) {
    const rest = sql.slice(at);
    const value = literal.exec(rest)?.[0];
    const token = value ?? /^(?:"(?:[^"]|"")*"|[\w$\u0080-\uffff]+|[\s\S])/.exec(rest)?.[0] ?? "";
    if (literals || (value === undefined && !/^\d/.test(token))) words.push(token);
    at += token.length;
  }
  return words;
}

export const unquoted = (word: string): string => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word);

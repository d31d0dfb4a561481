import { createHash } from "node:crypto";
import type { Analysis, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import { quoted } from "../sql/quote.ts";
import { namedIn, unquoted, wordsOf } from "./change.ts";
import { trustedFunctions } from "./functions.ts";
import { Unresolved } from "./scope.ts";
import type { Relation, Snapshot } from "./snapshot.ts";

/** What a PIVOT reads whose values the engine has yet to look up, which is why it shows no tree of it. */
export interface Pivot {
  /** A query that reads all the statement may read. */
  readonly source: string;
  /** The analysis of that query as the statement's own. */
  told(source: Analysis): Analysis;
}

/** Names that open a parenthesis and are no functions. */
const keywords: ReadonlySet<string> = new Set(
  `all and any as asof between by case cube distinct else end except exists filter from group having ilike in intersect into is join lateral
  like limit materialized not on or order over partition pivot pivot_longer pivot_wider qualify replace rollup select sets then unbounded union
  unpivot using values when where window with within`.split(/\s+/),
);
const file = /[/\\?]|\.(csv|tsv|txt|json|ndjson|jsonl|parquet|arrow|xlsx|db|duckdb|sqlite)(\.gz|\.zst)?$/i;

/** Every word that may name a table counts as that table, and whatever stands before a parenthesis as a call. @throws Unresolved for what may be a file */
export function readPivot(sql: string, snapshot: Snapshot): Pivot {
  const words = wordsOf(sql, true);
  const bare = (word: string): string => (word.startsWith("'") ? word.slice(1, -1) : unquoted(word));
  const placed = words.map((word, at) => (words[at + 1] === "." ? `${bare(word)}.${bare(words[at + 2] ?? "")}` : bare(word)));
  const suspect = placed.find((word) => word.length > 1 && file.test(word));
  if (suspect !== undefined) throw new Unresolved(suspect);
  const written = new Set(words.map((word) => unquoted(word).toLowerCase()));
  const relations = namedIn(words, snapshot);
  return {
    source: `SELECT * FROM ${relations.map(fullName).join(", ") || "(SELECT 1)"}`,
    told: (source) => ({
      ...source,
      relations: [...source.relations, ...catalogsIn(words)],
      columns: source.columns.map(({ byStar, ...use }) => ({
        ...use,
        ...(byStar && !written.has(use.column.toLowerCase()) && { byStar }),
      })),
      functions: [...source.functions, ...callsIn(words, snapshot)],
      fingerprint: createHash("sha256").update(words.join(" ").toLowerCase()).digest("hex").slice(0, 16),
    }),
  };
}

const fullName = ({ database, schema, name }: Relation): string => [database, schema, name].map(quoted).join(".");

const catalogsIn = (words: readonly string[]): RelationUse[] =>
  words
    .map((word) => unquoted(word).toLowerCase())
    .filter((word) => /^(information_schema|pg_|duckdb_|pragma_|sqlite_)/.test(word))
    .map((name) => ({ schema: "main", name, kind: "catalog", tells: /secret/.test(name) ? "secrets" : "contents", access: "read" }));

function callsIn(words: readonly string[], { macros }: Snapshot): FunctionUse[] {
  const called = words.flatMap((word, at) => (words[at + 1] === "(" && /^["\w]/.test(word) ? [unquoted(word).toLowerCase()] : []));
  return [...new Set(called)]
    .filter((name) => !keywords.has(name))
    .map((name) => ({ name, kind: "function", trusted: trustedFunctions.has(name) && !macros.has(name) }));
}

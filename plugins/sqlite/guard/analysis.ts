import { createHash } from "node:crypto";
import { constants } from "node:sqlite";
import type { Analysis, ColumnUse, FunctionUse, RelationUse } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import type { Kind } from "../kind.ts";
import { catalogUse, isCatalog } from "./catalog-use.ts";
import { type Event, writesOf } from "./events.ts";
import { trustedFunctions } from "./functions.ts";
import type { Names } from "./names.ts";
import { unaskedOf } from "./unasked.ts";
import { commonNames, definedNames, nameOf, wordsOf } from "./words.ts";

const schema = "main";
/** Longer texts are not analysed: no person or model writes them. */
const mostCharacters = 65_536;
/** Tables the engine makes up from their arguments. */
const computed = new Set(["json_each", "json_tree", "jsonb_each", "jsonb_tree", "generate_series"]);

/** Text that is refused before the engine reads it. */
export function unreadable(sql: string): Diagnosis | undefined {
  if (sql.length > mostCharacters)
    return {
      code: "LIMIT_EXCEEDED",
      message: `The statement has ${sql.length} characters, and ${mostCharacters} is the most that is analysed`,
      hint: "Pass long values as parameters",
    };
  const mark = sql.startsWith("\uFEFF");
  if (!mark && sql.isWellFormed()) return undefined;
  return {
    code: "SQL_INVALID",
    message: mark ? "The text begins with a byte order mark" : "The text holds half of a surrogate pair",
    hint: "Send the statement as plain Unicode text",
  };
}

/** Of a statement that was not read. */
export const nothing: Omit<Analysis, "unresolved"> = {
  verb: "",
  relations: [],
  columns: [],
  functions: [],
  complexity: { relations: 0, joins: 0, depth: 0, recursive: false },
  fingerprint: "0".repeat(16),
};

/** What one statement reaches, from what the engine asked leave for. */
export function analysisOf(sql: string, kind: Kind, events: readonly Event[], names: Names): Analysis {
  const words = wordsOf(sql);
  const verb = verbOf(words);
  const unasked = unaskedOf(words, names);
  const isCommon = commonIn(words, names);
  const relations = withoutTwins([
    ...relationsOf(
      events.filter((event) => !isCommon(event)),
      kind,
      names,
    ),
    ...unasked.relations,
  ]);
  const functions = functionsOf(events, names);
  return {
    verb,
    relations,
    columns: joined(columnsOf(events, words, names), unasked.columns),
    functions,
    complexity: {
      relations: relations.length,
      joins: words.filter((word) => word === "join").length,
      depth: depthOf(words),
      recursive: events.some(({ action }) => action === constants.SQLITE_RECURSIVE),
    },
    ...((verb === "update" || verb === "delete") && !hasWhere(words) && { everyRow: true }),
    fingerprint: createHash("sha256").update(words.map(withoutValue).join(" ")).digest("hex").slice(0, 16),
  };
}

/** Tells a common table expression of which no column is used: SQLite asks leave for it as it does for a table. */
function commonIn(words: readonly string[], names: Names): (event: Event) => boolean {
  const own = commonNames(words);
  const defined = definedNames(words);
  return ({ action, first, second, database, within }) => {
    if (action !== constants.SQLITE_READ || second !== "" || database !== "" || names.get(within.toLowerCase())?.kind === "view")
      return false;
    const name = first.toLowerCase();
    return own.has(name) || (defined.has(name) && !names.has(name) && !isCatalog(name));
  };
}

function relationsOf(events: readonly Event[], kind: Kind, names: Names): RelationUse[] {
  const found = new Map<string, RelationUse>();
  for (const event of events) {
    if (event.action === constants.SQLITE_PRAGMA) found.set(event.first, catalogUse(`pragma_${event.first.toLowerCase()}`));
    const written = writesOf[event.action];
    const name = written === undefined ? event.first : event[written[1]];
    if (written === undefined && event.action !== constants.SQLITE_READ) continue;
    const own = /^sqlite_(schema|master)$/i.test(name);
    // A change of the schema is a write to the engine's own table, which nobody asked for.
    if (own && kind !== "read") continue;
    const use = relationUse(name, event, names, written?.[0] ?? "read");
    if (use !== undefined) found.set(JSON.stringify(use), use);
  }
  return [...found.values()];
}

const withoutTwins = (uses: readonly RelationUse[]): RelationUse[] => [
  ...new Map(uses.map((use) => [JSON.stringify([use.name, use.access, use.through, use.tells]), use])).values(),
];

/** A column that is named by USING is named, whatever else a star brings in. */
const joined = (asked: readonly ColumnUse[], unasked: readonly ColumnUse[]): ColumnUse[] => {
  const isSame = (a: ColumnUse, b: ColumnUse): boolean => a.table === b.table && a.column === b.column;
  return [...asked.filter((use) => !unasked.some((other) => isSame(use, other))), ...unasked];
};

function relationUse(name: string, { within }: Event, names: Names, access: RelationUse["access"]): RelationUse | undefined {
  const lower = name.toLowerCase();
  const known = names.get(lower);
  const view = names.get(within.toLowerCase());
  const through = view?.kind === "view" && { through: [{ schema, name: view.name }] };
  if (known !== undefined && known.kind !== "shadow" && !lower.startsWith("sqlite_"))
    return { schema, name: known.name, kind: known.kind, access, ...through };
  return computed.has(lower) ? undefined : catalogUse(lower, access);
}

function columnsOf(events: readonly Event[], words: readonly string[], names: Names): ColumnUse[] {
  const found = new Map<string, ColumnUse>();
  const written = new Set(words.map(nameOf));
  for (const { action, first, second, within } of events) {
    const known = action === constants.SQLITE_READ ? names.get(first.toLowerCase()) : undefined;
    if (known?.kind !== "table" || second === "") continue;
    // The engine does not tell a star from a name; what is nowhere in the text was not named.
    const byView = names.get(within.toLowerCase())?.kind === "view";
    const byStar = !byView && !written.has(second.toLowerCase());
    const key = `${known.name}\0${second}`;
    const star = byStar && found.get(key)?.byStar !== undefined;
    const use = { schema, table: known.name, column: second, places: ["other"] as const };
    found.set(key, (found.has(key) ? star : byStar) ? { ...use, byStar: true } : use);
  }
  return [...found.values()];
}

function functionsOf(events: readonly Event[], names: Names): FunctionUse[] {
  const called = events
    .filter(({ action }) => action === constants.SQLITE_FUNCTION)
    .map(({ second }): FunctionUse => ({ name: second, kind: "function", trusted: trustedFunctions.has(second.toLowerCase()) }));
  const tables = events
    .filter(({ action, first }) => action === constants.SQLITE_READ && computed.has(first.toLowerCase()) && !names.has(first.toLowerCase()))
    .map(({ first }): FunctionUse => ({ name: first, kind: "table function", trusted: true }));
  return [...new Map([...called, ...tables].map((use) => [`${use.name}\0${use.kind}`, use])).values()];
}

function verbOf(words: readonly string[]): string {
  let depth = 0;
  for (const word of words) {
    if (word === "(") depth++;
    else if (word === ")") depth--;
    else if (
      depth === 0 &&
      /^(select|values|insert|replace|update|delete|create|drop|alter|pragma|attach|detach|vacuum|reindex|analyze|begin|commit|end|rollback|savepoint|release)$/.test(
        word,
      )
    )
      return word;
  }
  return words[0] ?? "";
}

/** Those of subqueries and of what stands before the verb are in parentheses. */
function hasWhere(words: readonly string[]): boolean {
  let depth = 0;
  return words.some((word) => {
    if (word === "(") depth++;
    else if (word === ")") depth--;
    return depth === 0 && word === "where";
  });
}

function depthOf(words: readonly string[]): number {
  let [depth, deepest] = [0, 0];
  const opened: boolean[] = [];
  for (const [at, word] of words.entries()) {
    if (word === "(") opened.push(words[at + 1] === "select" || words[at + 1] === "with");
    else if (word === ")") depth -= opened.pop() ? 1 : 0;
    if (word === "(" && opened.at(-1)) depth++;
    deepest = Math.max(deepest, depth);
  }
  return deepest + 1;
}

const withoutValue = (word: string): string => (/^(\d|\.\d|'|x')/.test(word) ? "?" : word);

import type { ColumnUse, RelationUse } from "../../../core/contract/analysis.ts";
import { catalogUse, isCatalog } from "./catalog-use.ts";
import type { KnownRelation, Names } from "./names.ts";
import { nameOf, wordsOf } from "./words.ts";

const schema = "main";

/** What a statement reaches without SQLite asking leave for it. */
export interface Unasked {
  readonly relations: readonly RelationUse[];
  readonly columns: readonly ColumnUse[];
}

/**
 * SQLite asks no leave for the columns that USING and NATURAL compare, nor for a table of which nothing else is used. Wherever
 * one of the words stands, in the statement or in a view, whatever the text may name as a table counts as read.
 */
export function unaskedOf(words: readonly string[], names: Names): Unasked {
  const relations: RelationUse[] = [];
  const columns: ColumnUse[] = [];
  const seen = new Set<KnownRelation>();
  const visit = (text: readonly string[], view?: KnownRelation): void => {
    const merges = text.some((word) => word === "using" || word === "natural");
    const shared = merges ? sharedColumns(text) : new Set<string>();
    if (merges)
      relations.push(
        ...text
          .map(nameOf)
          .filter(isCatalog)
          .map((name) => catalogUse(name)),
      );
    for (const relation of relationsIn(text, names)) {
      const { name, kind } = relation;
      if (kind === "shadow") {
        if (merges) relations.push(catalogUse(name));
      } else if (merges) {
        relations.push({ schema, name, kind, access: "read", ...(view && { through: [{ schema, name: view.name }] }) });
        const compared = relation.columns.filter((column) => kind === "table" && shared.has(column.toLowerCase()));
        columns.push(...compared.map((column) => ({ schema, table: name, column, places: ["join"] as const })));
      }
      if (kind !== "view" || seen.has(relation)) continue;
      seen.add(relation);
      visit(bodyWords(relation), relation);
    }
  };
  visit(words);
  return { relations, columns };
}

/** Views are read again for every statement, and their texts stay the same. */
const bodies = new WeakMap<KnownRelation, readonly string[]>();

function bodyWords(view: KnownRelation): readonly string[] {
  const found = bodies.get(view) ?? wordsOf(view.sql);
  bodies.set(view, found);
  return found;
}

/** What stands where a table may; a common table expression of the whole statement hides a table of its name. */
function relationsIn(words: readonly string[], names: Names): Set<KnownRelation> {
  const own = commonNames(words);
  const found = new Set<KnownRelation>();
  for (const [at, word] of words.entries()) {
    const before = words[at - 1] ?? "";
    if (!/^(from|join|in|\(|,|\.)$/.test(before)) continue;
    const relation = names.get(nameOf(word));
    if (relation !== undefined && (before === "." || !own.has(nameOf(word)))) found.add(relation);
  }
  return found;
}

/** The common table expressions at the outermost level: no other part of the statement is beyond their reach. */
function commonNames(words: readonly string[]): Set<string> {
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

function sharedColumns(words: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const [at, word] of words.entries()) {
    if (word !== "using" || words[at + 1] !== "(") continue;
    for (let next = at + 2; next < words.length && words[next] !== ")"; next++) found.add(nameOf(words[next] ?? ""));
  }
  return found;
}

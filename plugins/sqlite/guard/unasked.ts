import type { ColumnUse, RelationUse } from "../../../core/contract/analysis.ts";
import { catalogUse, isCatalog } from "./catalog-use.ts";
import type { KnownRelation, Names } from "./names.ts";
import { commonNames, nameOf } from "./words.ts";

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
      visit(relation.words, relation);
    }
  };
  visit(words);
  return { relations, columns };
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

function sharedColumns(words: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const [at, word] of words.entries()) {
    if (word !== "using" || words[at + 1] !== "(") continue;
    for (let next = at + 2; next < words.length && words[next] !== ")"; next++) found.add(nameOf(words[next] ?? ""));
  }
  return found;
}

import type { RelationUse } from "../../../core/contract/analysis.ts";

const structure =
  /^(pragma_(table|index|foreign_key|function|collation|module|pragma|database)\w*|sqlite_(schema|master|sequence)|sqlite_temp_(schema|master))$/;

/** A use of something the engine tells of itself: its own tables, pragmas, and what virtual tables keep their rows in. */
export function catalogUse(name: string, access: RelationUse["access"] = "read"): RelationUse {
  return { schema: "main", name, kind: "catalog", tells: structure.test(name) ? "structure" : "contents", access };
}

export const isCatalog = (name: string): boolean =>
  /^(sqlite_|pragma_|dbstat$|bytecode$|tables_used$|completion$|fts3tokenize$|fsdir$|zipfile$)/.test(name);

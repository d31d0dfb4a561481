import type { StatementSync } from "node:sqlite";
import type { Session } from "../session.ts";
import { nameOf, wordsOf } from "./words.ts";

export interface KnownRelation {
  readonly name: string;
  /** A shadow is a table that a virtual one keeps its rows in. */
  readonly kind: "table" | "view" | "shadow";
  readonly columns: readonly string[];
  readonly hasRowid: boolean;
  /** Columns of a virtual table that are its arguments; a star leaves them out. In lower case. */
  readonly hidden: ReadonlySet<string>;
  /** The declared types of the columns, as written. */
  readonly types: readonly string[];
  readonly sql: string;
  /** The words of a view's text. */
  readonly words: readonly string[];
  /** The columns that are computed, and the names each is computed from; all in lower case. */
  readonly computed: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What the main database holds, by lower-case name. */
export type Names = ReadonlyMap<string, KnownRelation>;

const relationsSql = `with listed as materialized (select name, type, wr from pragma_table_list where schema = 'main')
  select s.name, coalesce(l.wr = 0 and l.type in ('table', 'virtual'), 0), iif(l.type = 'shadow', 'shadow', s.type), coalesce(s.sql, '')
  from main.sqlite_schema s left join listed l on l.name = s.name where s.type in ('table', 'view')`;
const columnsSql = "select name, type, hidden from pragma_table_xinfo(?, 'main')";

/** Reads the names, and remembers them until the schema's version changes. */
export function createNames({ database, trusted }: Session): () => Names {
  let version: unknown;
  let names: Names = new Map();
  return () =>
    trusted(() => {
      const [now] = database.prepare("pragma main.schema_version").get() as unknown as [unknown];
      if (now === version) return names;
      const found = database.prepare(relationsSql).all();
      const columnsIn = database.prepare(columnsSql);
      names = new Map(
        (found as unknown as [string, bigint, KnownRelation["kind"], string][]).map(([name, rowid, kind, sql]) => {
          const columns = columnsOf(columnsIn, name);
          return [
            name.toLowerCase(),
            {
              name,
              kind,
              sql,
              words: kind === "view" ? wordsOf(sql) : [],
              columns: columns.map(([column]) => column),
              types: columns.map(([, type]) => type),
              hasRowid: rowid === 1n,
              hidden: new Set(columns.filter(([, , hidden]) => hidden === 1n).map(([column]) => column.toLowerCase())),
              computed: columns.some(([, , hidden]) => hidden > 1n) ? computedIn(sql) : new Map(),
            },
          ];
        }),
      );
      version = now;
      return names;
    });

  /** A view that no longer fits its tables has no columns. */
  function columnsOf(columnsIn: StatementSync, name: string): [string, string, bigint][] {
    try {
      return columnsIn.all(name) as unknown as [string, string, bigint][];
    } catch {
      return [];
    }
  }
}

/** Reads `name type [generated always] as (…)` out of the text a table was made with. */
function computedIn(sql: string): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  const words = wordsOf(sql);
  let depth = 0;
  let column: string[] = [];
  for (const word of words.slice(words.indexOf("("))) {
    if (word === ")") depth--;
    if (depth === 0 || (depth === 1 && word === ",")) {
      const [name = "", ...rest] = column;
      if (rest.some((part, at) => part === "as" && rest[at + 1] === "(")) found.set(nameOf(name), new Set(rest.map(nameOf)));
      column = [];
    } else column.push(word);
    if (word === "(") depth++;
  }
  return found;
}

/** Names of all columns that tell of one of `columns`: these and what is computed from them. In lower case. */
export function tellingOf({ computed }: KnownRelation, columns: readonly string[]): Set<string> {
  const telling = new Set(columns.map((column) => column.toLowerCase()));
  for (let grown = true; grown; ) {
    const more = [...computed].filter(([name, from]) => !telling.has(name) && [...from].some((each) => telling.has(each)));
    for (const [name] of more) telling.add(name);
    grown = more.length > 0;
  }
  return telling;
}

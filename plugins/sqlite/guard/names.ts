import type { Session } from "../session.ts";

export interface KnownRelation {
  readonly name: string;
  readonly kind: "table" | "view";
  readonly columns: readonly string[];
  /** The declared types of the columns, as written. */
  readonly types: readonly string[];
  readonly sql: string;
}

/** What the main database holds, by lower-case name. */
export type Names = ReadonlyMap<string, KnownRelation>;

/** Reads the names, and remembers them until the schema's version changes. */
export function createNames({ database, trusted }: Session): () => Names {
  let version: unknown;
  let names: Names = new Map();
  return () =>
    trusted(() => {
      const [now] = database.prepare("pragma main.schema_version").get() as unknown as [unknown];
      if (now === version) return names;
      const found = database.prepare("select name, type, coalesce(sql, '') from main.sqlite_schema where type in ('table', 'view')").all();
      names = new Map(
        (found as unknown as [string, "table" | "view", string][]).map(([name, kind, sql]) => {
          const columns = columnsOf(name);
          return [
            name.toLowerCase(),
            { name, kind, sql, columns: columns.map(([column]) => column), types: columns.map(([, type]) => type) },
          ];
        }),
      );
      version = now;
      return names;
    });

  /** A view that no longer fits its tables has no columns. */
  function columnsOf(name: string): [string, string][] {
    try {
      return database.prepare("select name, type from pragma_table_xinfo(?, 'main')").all(name) as unknown as [string, string][];
    } catch {
      return [];
    }
  }
}

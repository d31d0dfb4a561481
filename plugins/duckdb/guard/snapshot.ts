import type { DuckDBConnection } from "@duckdb/node-api";
import type { Engine } from "../engine/instance.ts";
import { skipBlanks } from "../sql/text.ts";

export interface Relation {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "view";
  readonly columns: readonly string[];
  /** The engine's types of the columns. */
  readonly types: readonly string[];
  /** What columns are computed from, or what they are when nothing is given; null where neither is written down. */
  readonly defaults: readonly (string | null)[];
  /** The query of a view that is read through; a view over data files counts as a table. */
  readonly body?: string;
}

/** The names an engine knows, at one moment. */
export interface Snapshot {
  readonly database: string;
  /** By database, schema and name, or fewer of them, from the right; the default schema comes first. */
  relation(parts: readonly string[]): Relation | undefined;
  /** Macros somebody made: they hide the engine's functions. */
  readonly macros: ReadonlySet<string>;
}

/** Reads all names in one statement. */
export async function takeSnapshot(native: DuckDBConnection, engine: Engine): Promise<Snapshot> {
  const reader = await native.runAndReadAll(`
    SELECT current_database(),
      (SELECT list({database: database_name, schema: schema_name, name: table_name, columns: columns, types: types, defaults: defaults, sql: sql}) FROM (
        SELECT database_name, schema_name, table_name, list(column_name ORDER BY column_index) AS columns, list(data_type ORDER BY column_index) AS types, list(column_default ORDER BY column_index) AS defaults FROM duckdb_columns() WHERE NOT internal GROUP BY ALL
      ) LEFT JOIN (SELECT database_name, schema_name, view_name AS table_name, sql FROM duckdb_views() WHERE NOT internal) USING (database_name, schema_name, table_name))::JSON::VARCHAR,
      (SELECT list(DISTINCT lower(function_name)) FROM duckdb_functions() WHERE NOT internal)::JSON::VARCHAR`);
  const [database, relations, macros] = reader.getRows()[0] ?? [];
  interface Found {
    readonly database: string;
    readonly schema: string;
    readonly name: string;
    readonly columns: readonly string[];
    readonly types: readonly string[];
    readonly defaults: readonly (string | null)[];
    readonly sql: string | null;
  }
  const files = new Set(engine.views.map(({ name }) => name));
  const known = new Map<string, Relation>();
  for (const { sql, ...found } of JSON.parse(String(relations ?? "null") || "null") ?? ([] as readonly Found[])) {
    const isFile = sql !== null && found.schema === "main" && files.has(found.name);
    const relation: Relation = {
      ...found,
      kind: sql === null || isFile ? "table" : "view",
      ...(sql !== null && !isFile && { body: bodyOf(sql) }),
    };
    known.set(key([found.database, found.schema, found.name]), relation);
  }
  const current = String(database);
  return {
    database: current,
    macros: new Set(JSON.parse(String(macros ?? "null") || "null") ?? []),
    relation(parts) {
      const [name = "", second, third] = [...parts].reverse();
      if (third !== undefined) return known.get(key([third, second ?? "", name]));
      if (second === undefined) return known.get(key([current, "main", name]));
      return known.get(key([current, second, name])) ?? known.get(key([second, "main", name]));
    },
  };
}

/** The engine looks names up without regard to case. */
const key = (parts: readonly string[]): string => parts.join("\0").toLowerCase();

/** The query of `CREATE VIEW name [(columns)] AS query;`, as the engine keeps it; empty when it is written in another way. */
function bodyOf(sql: string): string {
  const head = /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?/i.exec(sql)?.[0];
  if (head === undefined) return "";
  let at = head.length;
  while (at < sql.length) {
    at = skipBlanks(sql, at);
    const quoted = /^"(?:[^"]|"")*"/.exec(sql.slice(at))?.[0];
    if (quoted !== undefined) at += quoted.length;
    else if (/^as\b/i.test(sql.slice(at, at + 3))) return sql.slice(at + 2).replace(/;\s*$/, "");
    else at++;
  }
  return "";
}

import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";

/** The engine's own parser on one connection, prepared once: preparing costs as much as parsing. */
export interface Grammar {
  /** The tree of a text that holds only SELECTs, or the error it makes, as JSON. */
  serialize(sql: string): Promise<string>;
  /** The text of a tree. */
  deserialize(json: string): Promise<string>;
  /** A prepared statement holds the database and its locks. */
  close(): void;
}

export function createGrammar(native: DuckDBConnection): Grammar {
  const prepared = new Map<string, Promise<DuckDBPreparedStatement>>();
  const statements = new Set<DuckDBPreparedStatement>();
  const ask = async (question: string, text: string): Promise<string> => {
    const preparing = prepared.get(question) ?? native.prepare(question);
    prepared.set(question, preparing);
    const statement = await preparing.catch((error) => {
      prepared.delete(question);
      throw error;
    });
    statements.add(statement);
    statement.bindVarchar(1, text);
    return String((await statement.runAndReadAll()).getRows()[0]?.[0]);
  };
  return {
    serialize: (sql) => ask("SELECT json_serialize_sql($1::VARCHAR)", sql),
    deserialize: (json) => ask("SELECT json_deserialize_sql($1::JSON)", json),
    close() {
      for (const statement of statements) statement.destroySync();
      statements.clear();
      prepared.clear();
    },
  };
}

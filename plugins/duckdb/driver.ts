import type { Driver } from "../../core/contract/driver.ts";
import type { Database } from "./engine/database.ts";
import { claims } from "./engine/files.ts";
import { diagnose } from "./errors/diagnose.ts";
import { roleSql } from "./role-sql.ts";

/** Reads DuckDB databases, and CSV, Parquet and JSON files as if they were one. The engine is loaded by the first `connect`. */
export function createDuckdbDriver(): Driver {
  const databases = new Map<string, Database>();
  return {
    name: "duckdb",
    schemes: ["duckdb"],
    facts: {
      title: "DuckDB",
      outlivesRollback: "numbers that sequences gave out",
      identifierQuote: '"',
      defaultSchema: "main",
      strict: true,
    },
    claims,
    async files({ location }) {
      const { filesOf } = await import("./engine/source.ts");
      return filesOf(location);
    },
    diagnose,
    roleSql,
    async connect(target, options) {
      options.signal.throwIfAborted();
      const { connect } = await import("./connect.ts");
      return connect(target, options, databases);
    },
    async cage(tables, { signal }) {
      signal.throwIfAborted();
      const { openCage } = await import("./cage.ts");
      return openCage(tables, signal);
    },
    async federate(sql, federation) {
      const { federate } = await import("./federate/federate.ts");
      return federate(sql, federation);
    },
  };
}

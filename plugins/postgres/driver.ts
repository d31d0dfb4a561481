import type { Driver } from "../../core/contract/driver.ts";
import { openSession } from "./connect.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { sharedParser } from "./guard/parser/parser.ts";
import { roleSql } from "./role-sql.ts";
import { Session } from "./session.ts";
import { readSettings } from "./target/settings.ts";

/** PostgreSQL 12 to 18, over its own protocol. `folder` is where the plugin is installed; from the sources it is nowhere. */
export function createPostgresDriver(folder?: string): Driver {
  return {
    name: "postgres",
    schemes: ["postgres", "postgresql"],
    facts: {
      title: "PostgreSQL",
      outlivesRollback: "numbers that sequences gave out",
      identifierQuote: '"',
      defaultSchema: "public",
      typed: true,
      strict: true,
      tunnels: true,
    },
    async connect(target, { signal, readOnly, reach }) {
      signal.throwIfAborted();
      const settings = { ...readSettings(target), reach };
      const parser = sharedParser(folder);
      // It is ready by the time the login is through.
      parser.warm();
      return createConnection(new Session(await openSession(settings, readOnly, signal), settings, readOnly), parser);
    },
    diagnose,
    roleSql,
  };
}

import type { Driver } from "../../core/contract/driver.ts";
import { openSession } from "./connect.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { Session } from "./session.ts";
import { readSettings } from "./target/settings.ts";

/** PostgreSQL 12 to 18, over its own protocol. */
export function createPostgresDriver(): Driver {
  return {
    name: "postgres",
    schemes: ["postgres", "postgresql"],
    facts: { title: "PostgreSQL", identifierQuote: '"', defaultSchema: "public", tunnels: true },
    async connect(target, { signal, readOnly, reach }) {
      signal.throwIfAborted();
      const settings = { ...readSettings(target), reach };
      return createConnection(new Session(await openSession(settings, readOnly, signal), settings, readOnly));
    },
    diagnose,
  };
}

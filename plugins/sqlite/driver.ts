import type { Driver, PathFacts } from "../../core/contract/driver.ts";
import type { Host } from "../../core/contract/plugin.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { fileAt } from "./file.ts";
import { openDatabase } from "./open.ts";
import { roleSql } from "./role-sql.ts";
import { probeRuntime } from "./runtime.ts";
import { createSession } from "./session.ts";

const magic = "SQLite format 3\0";

/** SQLite through the runtime's own `node:sqlite`: nothing to install, and one thread that blocks while it works. */
export function createSqliteDriver(host: Pick<Host, "log">): Driver {
  return {
    name: "sqlite",
    schemes: ["sqlite"],
    facts: { title: "SQLite", identifierQuote: '"', defaultSchema: "main", blocking: true },
    claims: ({ kind, header }: PathFacts) => kind === "file" && String.fromCharCode(...header.subarray(0, magic.length)) === magic,
    async connect(target, { signal, readOnly }) {
      signal.throwIfAborted();
      const { location } = target;
      // Before it is opened: should it be replaced in between, the session counts as old and not as new.
      const before = fileAt(location);
      const database = openDatabase(target, readOnly);
      try {
        const runtime = probeRuntime(database);
        if (runtime.cutsText) host.log("warn", "This runtime cuts SQLite text at U+0000: use the compiled binary where that matters");
        const file = before ?? fileAt(location);
        return createConnection(createSession(database, { readOnly, hidesErrors: runtime.hidesErrors }), file);
      } catch (error) {
        database.close();
        throw error;
      }
    },
    diagnose,
    roleSql,
  };
}

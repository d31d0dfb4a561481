import type { Driver } from "../../core/contract/driver.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { readSettings } from "./open/settings.ts";
import { openSession } from "./session.ts";

/** MySQL and MariaDB over their own protocol: mysql2 logs in, prepared statements and binary rows do the rest. */
export function createMysqlDriver(): Driver {
  return {
    name: "mysql",
    schemes: ["mysql", "mariadb"],
    facts: { title: "MySQL / MariaDB", identifierQuote: "`", tunnels: true },
    async connect(target, { signal, readOnly, reach }) {
      signal.throwIfAborted();
      return createConnection(await openSession(readSettings(target, reach), readOnly, signal));
    },
    diagnose,
  };
}

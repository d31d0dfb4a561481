import type { Driver } from "../../core/contract/driver.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { sharedNames } from "./guard/names.ts";
import { readSettings } from "./open/settings.ts";
import { roleSql } from "./role-sql.ts";
import { openSession } from "./session.ts";

/** MySQL and MariaDB over their own protocol: mysql2 logs in, prepared statements and binary rows do the rest. */
export function createMysqlDriver(): Driver {
  const namesOf = sharedNames();
  return {
    name: "mysql",
    schemes: ["mysql", "mariadb"],
    facts: {
      describesPlans: true,
      title: "MySQL / MariaDB",
      outlivesRollback: "auto-increment numbers that were used up",
      identifierQuote: "`",
      strict: true,
      tunnels: true,
    },
    async connect(target, { signal, readOnly, reach }) {
      signal.throwIfAborted();
      const session = await openSession(readSettings(target, reach), readOnly, signal);
      return createConnection(session, namesOf(target, reach));
    },
    diagnose,
    roleSql,
  };
}

import { after, describe, it } from "node:test";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlAttacks } from "./mysql-attacks.ts";
import { mysqlLegitimate } from "./mysql-legitimate.ts";
import { mysqlEngine, mysqlRules, mysqlState } from "./mysql-shop.ts";
import { describeServerGuard } from "./server-suite.ts";

const absence = mariaDbAbsence();
if (absence !== undefined) describe("the guard of MariaDB", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  const server = await startMariaDb();
  after(() => server.stop());
  describeServerGuard({
    engine: mysqlEngine(server),
    rules: mysqlRules,
    attacks: mysqlAttacks,
    legitimate: mysqlLegitimate,
    spell: (sql, variant) => sql.replace(/\bmain\b/gi, `shop_${variant}`).replace(/\b(shop|hr)_at\b/g, `$1_${variant}`),
    state: () => mysqlState(server, "first"),
  });
}

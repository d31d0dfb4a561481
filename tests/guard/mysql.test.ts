import { after, describe, it } from "node:test";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlAttacks } from "./mysql-attacks.ts";
import { mariaDbLegitimate, mariaDbOnly, mysqlLegitimate } from "./mysql-legitimate.ts";
import { mysqlEngine, mysqlRules, mysqlSpelling, mysqlState } from "./mysql-shop.ts";
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
    legitimate:
      server.brand === "MariaDB" ? [...mysqlLegitimate, ...mariaDbLegitimate] : mysqlLegitimate.filter((sql) => !mariaDbOnly.test(sql)),
    spell: mysqlSpelling,
    unseen: true,
    state: () => mysqlState(server, "first"),
  });
}

import { after, describe, it } from "node:test";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { describeLegitimate } from "./legitimate-suite.ts";
import { mariaDbAnalyst, mysql9Analyst, mysqlAnalyst, mysqlMasked } from "./mysql-analyst.ts";
import { mariaDbLegitimate, mariaDbOnly, mysqlLegitimate } from "./mysql-legitimate.ts";
import { mysqlEngine, mysqlRules, mysqlSpelling } from "./mysql-shop.ts";
import { portableLegitimate, portableMasked } from "./portable-legitimate.ts";

/** There double quotes make texts, two bars compute, and names differ by case; the portable ones that are about something else. */
const portable = (sql: string): boolean => !/"|\|\||filter \(|nulls (?:first|last)|as varchar|full join|'xxa'|PERSON|as before/.test(sql);

const absence = mariaDbAbsence();
if (absence !== undefined) describe("legitimate queries on MariaDB", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  const server = await startMariaDb();
  after(() => server.stop());
  const isMariaDb = server.brand === "MariaDB";
  const spelled = (queries: readonly string[]) =>
    queries.filter((sql) => isMariaDb || !mariaDbOnly.test(sql)).map((sql) => mysqlSpelling(sql, "first"));
  describeLegitimate(
    mysqlEngine(server),
    { rules: mysqlRules, tables: ", profile, article, card, token, mailing, past, odd name" },
    {
      plain: spelled([
        ...portableLegitimate.filter(portable),
        ...mysqlLegitimate,
        ...mysqlAnalyst,
        ...(isMariaDb ? [...mariaDbLegitimate, ...mariaDbAnalyst] : mysql9Analyst),
      ]),
      // What tells how many rows there are is for those who see them all.
      unfiltered: isMariaDb ? ["analyze select id from event where id < 3", "select id from purchase limit rows examined 100000"] : [],
      masked: spelled([...portableMasked.filter(portable), ...mysqlMasked]),
    },
  );
}

import { after, describe, it } from "node:test";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { postgresAttacks } from "./postgres-attacks.ts";
import { postgresLegitimate } from "./postgres-legitimate.ts";
import { postgresEngine, postgresRules, postgresState } from "./postgres-shop.ts";
import { describeServerGuard } from "./server-suite.ts";

const bin = findPostgres();
if (typeof bin !== "string") describe("the guard of PostgreSQL", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  describeServerGuard({
    engine: postgresEngine(server),
    rules: postgresRules,
    attacks: postgresAttacks,
    legitimate: postgresLegitimate,
    spell: (sql, variant) => sql.replace(/\bmain\b/gi, "public").replace(/\bshop_first\b/g, `shop_${variant}`),
    unseen: true,
    state: () => postgresState(server, "first"),
  });
}

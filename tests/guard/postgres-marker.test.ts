import { after, describe, it } from "node:test";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { describeMarker } from "./marker-suite.ts";
import { analystQueries } from "./postgres-analyst.ts";
import { postgresAttacks } from "./postgres-attacks.ts";
import { postgresLegitimate } from "./postgres-legitimate.ts";
import { postgresEngine } from "./postgres-shop.ts";

const bin = findPostgres();
if (typeof bin !== "string") describe("a subquery anywhere on PostgreSQL", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  const places = postgresAttacks.filter(({ class: of }) => of === 12).flatMap(({ sql }) => sql);
  // Texts within texts, which the marker would only make longer.
  const isPlain = (sql: string): boolean => !/\\'|\/\*[^*]*\/\*/.test(sql);
  describeMarker(postgresEngine(server), [...postgresLegitimate, ...analystQueries, ...places].filter(isPlain));
}

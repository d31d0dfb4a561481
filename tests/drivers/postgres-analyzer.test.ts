import { after, describe, it } from "node:test";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { findPostgres, majorOf, startPostgres } from "../support/services-postgres.ts";
import { dangerous, legitimate, masked, objects, refused } from "./postgres-analyzer-cases.ts";

const bin = findPostgres();
/** What PostgreSQL 12 and 13 do not know, some of it only in part. */
const since14 = /\b(?:search (?:depth|breadth) first|cycle|with ties)\b|\blag\(total, 1, 0\)/;
if (typeof bin !== "string") describe("analyzer PostgreSQL", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  server.psql("create database guard");
  server.psql(objects, "guard");
  describeAnalyzer({
    name: "PostgreSQL",
    driver: createPostgresDriver(),
    target: server.target("guard"),
    fixture: {
      schema: "public",
      lacks: [{ part: "like (select max(amount)", reason: "the engine compares no number with like" }],
      dangerous,
      legitimate: legitimate.filter((sql) => majorOf(bin) >= 14 || !since14.test(sql)),
      refused,
      masked,
    },
  });
}

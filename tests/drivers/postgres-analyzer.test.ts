import { after, describe, it } from "node:test";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { dangerous, legitimate, masked, objects, refused } from "./postgres-analyzer-cases.ts";

const bin = findPostgres();
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
      legitimate,
      refused,
      masked,
    },
  });
}

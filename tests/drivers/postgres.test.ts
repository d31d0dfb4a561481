import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import activate from "../../plugins/postgres/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { postgresSuite } from "./postgres-suite.ts";

const bin = findPostgres();
if (typeof bin !== "string") describe("driver postgres", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  server.psql(`create role app login password '${server.password}'`);
  server.psql("create database suite owner app");
  const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
  assert.ok(driver);
  describeDriver(postgresSuite(driver, server));
}

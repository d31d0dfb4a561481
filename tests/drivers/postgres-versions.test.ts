import { after, describe, it } from "node:test";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { describeDriver } from "../contract/driver.ts";
import { embeddedPostgres } from "../support/services-embedded.ts";
import { startPostgres } from "../support/services-postgres.ts";
import { postgresSuite } from "./postgres-suite.ts";

/** The oldest and the newest that the driver promises. `npm run test:engines` has those between, and all other tests. */
for (const major of [12, 18] as const) {
  const bin = embeddedPostgres(major);
  if (typeof bin !== "string") describe(`PostgreSQL ${major}`, () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
  else {
    const server = await startPostgres(bin);
    after(() => server.stop());
    server.psql(`create role app login password '${server.password}'`);
    server.psql("create database suite owner app");
    describeDriver({ ...postgresSuite(createPostgresDriver(), server), name: `postgres ${major}` });
  }
}

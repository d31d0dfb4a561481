import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type SmallDisk, smallDisk } from "../support/services-disk.ts";
import { findPostgres, type PostgresServer, startPostgres, unprivileged } from "../support/services-postgres.ts";
import { fill, megabytes } from "./full-disk.ts";

const bin = findPostgres();
const driver = createPostgresDriver();

describe("driver postgres, on a server whose disk is full", {
  skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}`,
}, () => {
  let server: PostgresServer;
  let disk: SmallDisk | undefined;
  let why = "";
  before(async () => {
    const found = smallDisk(megabytes, unprivileged());
    if ("absent" in found) why = found.absent;
    else {
      disk = found;
      server = await startPostgres(bin as string);
      server.psql(`create tablespace small location '${disk.folder}'`);
    }
  });
  after(async () => {
    await server?.stop();
    disk?.remove();
  });
  const open = (readOnly: boolean, parameters = ""): Promise<Connection> =>
    driver.connect(server.target("postgres", { options: { options: parameters } }), { signal: never, readOnly });

  it("undoes the write that did not fit, keeps those before, and goes on when there is room again", async (test) => {
    if (disk === undefined) return test.skip(why);
    await using connection = await open(false);
    await rowsOf(connection, "create table big (x text) tablespace small");
    await rowsOf(connection, "insert into big values ('first')");
    await fill(driver, connection, "insert into big select repeat(md5(i::text), 30) from generate_series(1, 4000) as i");
    const kept = Number(await cellOf(connection, "select count(*) from big"));
    assert.equal(kept % 4000, 1);
    await rowsOf(connection, "drop table big");
    await rowsOf(connection, "create table big (x text) tablespace small");
    await rowsOf(connection, "insert into big values ('again')");
    assert.equal(await cellOf(connection, "select x from big"), "again");
    await rowsOf(connection, "drop table big");
  });

  it("says so when a read needs more room than there is, and reads on", async (test) => {
    if (disk === undefined) return test.skip(why);
    await using connection = await open(true, "-c temp_tablespaces=small -c work_mem=64kB");
    const before = disk.freeBytes();
    const sorting = rowsOf(
      connection,
      "select repeat(md5(i::text), 9) as x from generate_series(1, 200000) as i order by 1 limit 10 offset 199980",
    );
    const diagnosis = driver.diagnose(await rejection(sorting));
    assert.equal(diagnosis?.code, "CONNECTION_FAILED");
    assert.match(diagnosis?.message ?? "", /space/i);
    assert.equal(await cellOf(connection, "select 1"), 1);
    assert.ok(disk.freeBytes() >= before - 2 ** 20, "what was sorted so far is removed");
  });
});

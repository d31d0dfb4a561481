import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection, Driver } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type SmallDisk, smallDisk } from "../support/services-disk.ts";
import { brandUnderTest, type MariaDb, mariaDbAbsence, startMariaDb, unprivileged } from "../support/services-mysql.ts";
import { fill, megabytes } from "./full-disk.ts";
import { numbersOnMariaDb, numbersOnMySql } from "./mysql-numbers.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const absence = mariaDbAbsence();

describe("driver mysql, on a server whose disk is full", { skip: absence === undefined ? false : `needs a server: ${absence}` }, () => {
  let server: MariaDb;
  let disk: SmallDisk | undefined;
  let driver: Driver;
  let why = "";
  before(async () => {
    const [found] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
    assert.ok(found);
    driver = found;
    const mounted = smallDisk(megabytes, unprivileged());
    if ("absent" in mounted) why = mounted.absent;
    else {
      disk = mounted;
      server = await startMariaDb([
        `--tmpdir=${disk.folder}`,
        "--innodb-file-per-table=1",
        ...(brandUnderTest() === "MySQL" ? [`--innodb-directories=${disk.folder}`] : []),
      ]);
      prepareServer(server, "narrow");
    }
  });
  after(async () => {
    await server?.stop();
    disk?.remove();
  });
  const open = (readOnly: boolean): Promise<Connection> => driver.connect(mysqlTarget(server, "narrow"), { signal: never, readOnly });
  const numbers = (count: number) => (brandUnderTest() === "MySQL" ? numbersOnMySql : numbersOnMariaDb)(count);

  it("undoes the write that did not fit, keeps those before, and goes on when there is room again", async (test) => {
    if (disk === undefined) return test.skip(why);
    await using connection = await open(false);
    const create = `create table big (x text) data directory = '${disk.folder}'`;
    await rowsOf(connection, create);
    await rowsOf(connection, "insert into big values ('first')");
    await fill(driver, connection, `insert into big select repeat('x', 1000) from (${numbers(4000)}) as a`);
    const kept = Number(await cellOf(connection, "select count(*) from big"));
    assert.equal(kept % 4000, 1);
    await rowsOf(connection, "drop table big");
    await rowsOf(connection, create);
    await rowsOf(connection, "insert into big values ('again')");
    assert.equal(await cellOf(connection, "select x from big"), "again");
    await rowsOf(connection, "drop table big");
  });

  it("says so when a read needs more room than there is, and reads on", async (test) => {
    if (disk === undefined) return test.skip(why);
    await using connection = await open(true);
    const sorting = rowsOf(connection, `select * from (${numbers(200_000)}) as a order by 2 desc limit 10 offset 199980`);
    const diagnosis = driver.diagnose(await rejection(sorting));
    assert.equal(diagnosis?.code, "CONNECTION_FAILED", diagnosis?.message);
    assert.match(`${diagnosis?.message}`, /space|full/i);
    assert.equal(Number(await cellOf(connection, "select 1")), 1);
  });
});

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { freePort, mariaDbAbsence, startMariaDb, withoutTls } from "../support/services-mysql.ts";
import { mysqlSuite, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const absence = mariaDbAbsence();
if (absence !== undefined) describe("driver mysql", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  const server = await startMariaDb(["--sql-mode=", withoutTls()]);
  after(() => server.stop());
  prepareServer(server, "suite");
  describeDriver(mysqlSuite(driver, server, await freePort()));
}

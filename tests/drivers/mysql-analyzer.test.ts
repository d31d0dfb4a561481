import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlAnalyzerFixture } from "./mysql-analyzer-fixture.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const absence = mariaDbAbsence();
if (absence !== undefined) describe("analyzer MariaDB", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  // The portable statements write names in any case, and || between texts.
  const server = await startMariaDb(["--lower-case-table-names=1", "--sql-mode=PIPES_AS_CONCAT"]);
  after(() => server.stop());
  prepareServer(server, "guard");
  describeAnalyzer({ name: "MariaDB", driver, target: mysqlTarget(server, "guard"), fixture: mysqlAnalyzerFixture });
}

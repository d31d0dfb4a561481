import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { never, rowsOf } from "../contract/driver/bench.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlAnalyzerFixture, onMySql } from "./mysql-analyzer-fixture.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect } = driver;

const absence = mariaDbAbsence();
if (absence !== undefined) describe("analyzer MariaDB", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  // The portable statements write names in any case, and || between texts.
  const server = await startMariaDb(["--lower-case-table-names=1", "--sql-mode=PIPES_AS_CONCAT"]);
  after(() => server.stop());
  prepareServer(server, "guard");
  describeAnalyzer({ name: "MariaDB", driver, target: mysqlTarget(server, "guard"), fixture: mysqlAnalyzerFixture });
}

const port = Number(process.env.TIDEGATE_TEST_MYSQL_PORT ?? "0");
if (port === 0)
  describe("analyzer MySQL", () => it.skip("needs a server: TIDEGATE_TEST_MYSQL_PORT names no MySQL 8 or 9", () => undefined));
else {
  const run = async (...statements: readonly string[]) => {
    await using connection = await connect(mysqlTarget({ port }, ""), { signal: never, readOnly: false });
    for (const sql of statements) await rowsOf(connection, sql);
  };
  before(() => run("drop database if exists guard", "create database guard"));
  after(() => run("drop database guard"));
  describeAnalyzer({ name: "MySQL", driver, target: mysqlTarget({ port }, "guard"), fixture: onMySql });
}

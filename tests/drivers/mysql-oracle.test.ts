import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { cellOf, never, rowsOf } from "../contract/driver/bench.ts";
import { describeDriver } from "../contract/driver.ts";
import { freePort } from "../support/services-mysql.ts";
import { numbersOnMySql as many } from "./mysql-numbers.ts";
import { mysqlSuite, mysqlTarget } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect } = driver;

/** A throwaway MySQL 8 or 9 with the suite's user, who may do everything: no package of Debian 12 has one to start. */
const port = Number(process.env.TIDEGATE_TEST_MYSQL_PORT ?? "0");
if (port === 0)
  describe("driver mysql on MySQL", () => it.skip("needs a server: TIDEGATE_TEST_MYSQL_PORT names no MySQL 8 or 9", () => undefined));
else {
  const empty = async () => {
    await using connection = await connect(mysqlTarget({ port }, ""), { signal: never, readOnly: false });
    await rowsOf(connection, "drop database if exists suite");
    await rowsOf(connection, "create database suite");
  };
  before(empty);
  after(empty);
  const suite = mysqlSuite(driver, { port }, await freePort());
  const isMariaDbs = /uuid|inet6|^analyze select|^values|json_table|^call|point/;
  describeDriver({
    ...suite,
    name: "mysql on MySQL",
    fixture: {
      ...suite.fixture,
      values: suite.fixture.values.filter(({ declared }) => !isMariaDbs.test(declared)),
      statements: suite.fixture.statements.filter(({ sql }) => !isMariaDbs.test(sql)),
      unreachable: suite.fixture.unreachable.filter(({ target }) => target.options["ssl-mode"] !== "required"),
      casts: { integer: "signed", text: "char(200)" },
      manyRows: many,
      endless: `select sum(a.seq * b.seq) from (${many(10 ** 6)}) as a, (${many(10 ** 6)}) as b`,
      failsHalfway: `select seq, cast(9223372036854775807 as signed) + if(seq = 6000, 1, -1) from (${many(9000)}) as a`,
    },
  });

  describe("mysql on MySQL", () => {
    for (const mode of ["disabled", "required"])
      it(`logs in with caching_sha2_password, TLS ${mode}`, async () => {
        const target = mysqlTarget({ port }, "suite");
        await using connection = await connect(
          { ...target, options: { ...target.options, "ssl-mode": mode } },
          { signal: never, readOnly: true },
        );
        assert.equal(await cellOf(connection, "select current_user()"), "tide@%");
        assert.equal(await cellOf(connection, "select @@max_execution_time"), 3_600_000);
      });

    it("reads vectors as the bytes they are, under one name in results and in the catalog", async (context) => {
      await using writer = await connect(mysqlTarget({ port }, "suite"), { signal: never, readOnly: false });
      if (Number.parseInt(String(await cellOf(writer, "select version()")), 10) < 9) return context.skip("MySQL 8 has no vectors");
      await rowsOf(writer, "create table pointed (v vector(3))");
      await rowsOf(writer, "insert into pointed values (string_to_vector('[1,2,3]'))");
      await using stream = await writer.query("select v from pointed", [], { signal: never, batchSize: 1 });
      for await (const { columns } of stream) assert.equal(Buffer.from(columns[0]?.[0] as Uint8Array).readFloatLE(8), 3);
      const [found] = await writer.catalog.read({ detail: "columns", object: { name: "pointed" }, signal: never });
      assert.deepEqual([stream.columns[0]?.nativeType, found?.columns?.[0]?.nativeType], ["vector(3)", "vector(3)"]);
      await rowsOf(writer, "drop table pointed");
    });

    it("knows defaults, expressions in indexes and types as MySQL writes them", async () => {
      await using writer = await connect(mysqlTarget({ port }, "suite"), { signal: never, readOnly: false });
      await rowsOf(
        writer,
        "create table odd (a varchar(9) default 'it''s', b int default 7, c datetime default current_timestamp, d json, e int as (b * 2), f point, index by_term ((lower(a))), check (b > 0))",
      );
      const [odd] = await writer.catalog.read({ detail: "full", object: { name: "odd" }, signal: never });
      assert.deepEqual(
        odd?.columns?.map(({ nativeType, type, default: initial }) => [nativeType, type, initial]),
        [
          ["varchar(9)", "text", "'it''s'"],
          ["int", "int", "7"],
          ["datetime", "timestamp", "CURRENT_TIMESTAMP"],
          ["json", "json", undefined],
          ["int", "int", "(`b` * 2)"],
          ["point", "bytes", undefined],
        ],
      );
      assert.deepEqual(odd?.indexes, [{ name: "by_term", unique: false, columns: ["lower(`a`)"] }]);
      assert.equal(odd?.checks?.length, 1);
      await rowsOf(writer, "drop table odd");
    });
  });
}

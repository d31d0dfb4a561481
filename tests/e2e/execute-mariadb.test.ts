import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { writeApp, writer } from "../support/write-app.ts";

const absence = mariaDbAbsence();

if (absence !== undefined) {
  it.skip(`writes on MariaDB (${absence})`, () => undefined);
} else {
  const [driver = assert.fail("the plugin has a driver")] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
  const server = await startMariaDb();
  after(() => server.stop());
  server.run(`
    create database shop;
    create table shop.item (id int primary key auto_increment, name varchar(20)) engine = InnoDB;
    create table shop.old (id int primary key, name varchar(20)) engine = MyISAM;
    insert into shop.item (name) values ('a'), ('b'), ('c');
    insert into shop.old values (1, 'x');
    create user ann@'%' identified by 'open-sesame';
    grant all on shop.* to ann@'%'`);
  const url = `mysql://ann:open-sesame@127.0.0.1:${server.port}/shop`;
  const state = () => server.run("select * from shop.item order by id; select * from shop.old; show tables in shop");

  describe("writes on MariaDB", () => {
    const open = async (more = "") => {
      const app = await writeApp(driver, url, writer(more, "[{ connection: shop, access: schema }]"));
      return { ...app, [Symbol.asyncDispose]: () => app.close() };
    };

    it("are tried, with rows where the server returns them, and nothing is different then", async () => {
      await using app = await open();
      const before = state();
      const tried = async (sql: string) => (await app.execute(sql, { dry_run: true })).split("\n");
      assert.deepEqual(await tried("delete from item where id = 1"), [
        "-- before, 1 row:",
        "id,name",
        "1,a",
        "-- dry run, nothing was changed: delete, 1 row of shop.item",
      ]);
      assert.deepEqual((await tried("insert into item (id, name) values (9, 'z')")).slice(0, 4), [
        "-- after, 1 row:",
        "id,name",
        "9,z",
        "-- a rollback does not take back auto-increment numbers that were used up",
      ]);
      assert.deepEqual(await tried("update item set name = 'q' where id < 3"), [
        "-- no rows are shown, because the statement cannot return the rows it changes",
        "-- dry run, nothing was changed: update, 2 rows of shop.item",
      ]);
      assert.equal(state(), before);
    });

    it("are not tried where the server would keep them: changes of the schema, and of tables without transactions", async () => {
      await using app = await open();
      const before = state();
      for (const sql of ["create table fresh (id int)", "truncate table item", "alter table item add column note int"])
        await assert.rejects(app.ask(sql, { dry_run: true }), { code: "UNSUPPORTED", message: /would end the transaction/ }, sql);
      await assert.rejects(app.ask("update old set name = 'y' where id = 1", { dry_run: true }), { code: "UNSUPPORTED", message: /"old"/ });
      assert.equal(state(), before);
    });

    it("are limited to a number of rows only where they could be taken back", async () => {
      await using app = await open("    limits: { affectedRows: 2 }\n    whereRequired: false\n");
      const before = state();
      await assert.rejects(app.ask("update item set name = 'q'"), { code: "LIMIT_EXCEEDED" });
      await assert.rejects(app.ask("update old set name = 'y'"), { code: "UNSUPPORTED" });
      assert.equal(state(), before);
      assert.equal(await app.execute("update item set name = 'q' where id < 3"), "-- done: update, 2 rows of shop.item");
    });

    it("ask a person without a number where they cannot be tried", async () => {
      await using app = await open();
      const before = state();
      const asked = (await app.ask("update old set name = 'y' where id = 1", {}, {})) as { question: string; rows?: number };
      assert.match(asked.question, /^Run this on shop\? update shop\.old\n/);
      assert.equal(asked.rows, undefined);
      assert.equal(state(), before);
    });
  });
}

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Driver } from "../../core/contract/driver.ts";
import { writeApp, writer } from "./write-app.ts";

export interface DryRunSuite {
  readonly driver: Driver;
  /** A path or URL; asked for when `make` is done. */
  readonly target: () => string;
  /** Makes the database and runs these statements in it. */
  readonly make: (statements: readonly string[]) => Promise<void>;
  readonly placeholder: (nr: number) => string;
  /** True where a decimal keeps the zeros at its end. */
  readonly decimals: boolean;
}

const policy = writer("    whereRequired: false\n", "[{ connection: shop, access: schema }]");

const tables = [
  "create table item (id integer primary key, name varchar(40), price decimal(10,2))",
  "create table link (a integer, b integer, note varchar(40), primary key (a, b))",
  "create table loose (name varchar(40))",
  ...Array.from({ length: 8 }, (_, n) => `insert into item values (${n + 1}, 'item ${n + 1}', ${n}.50)`),
  "insert into link values (1, 1, 'x'), (1, 2, 'y'), (2, 1, null)",
  "insert into loose values ('a'), ('b')",
];
const dumped = ["select * from item order by id", "select * from link order by a, b", "select * from loose order by name"];

/** Says what a dry run tells on every engine that returns the rows it changes, and that nothing is different after it. */
export function describeDryRun({ driver, target, make, placeholder, decimals }: DryRunSuite): void {
  describe(`a dry run on ${driver.facts.title}`, () => {
    let app: Awaited<ReturnType<typeof writeApp>>;
    before(async () => {
      await make(tables);
      app = await writeApp(driver, target(), policy);
    });
    after(() => app.close());
    const state = async () => JSON.stringify(await Promise.all(dumped.map(app.query)));
    /** SQLite knows no decimals, and so no zero at their end. */
    const cents = (row: string) => (decimals ? `${row}0` : row);
    /** What is told of a write that is tried; nothing may be different after it. */
    const tried = async (sql: string, params: readonly unknown[] = []): Promise<string[]> => {
      const earlier = await state();
      const text = await app.execute(sql, { dry_run: true, params });
      assert.equal(await state(), earlier);
      return text.split("\n").filter((line) => !line.startsWith("-- a rollback"));
    };

    it("shows rows before and after an update, found by their keys", async () => {
      assert.deepEqual(await tried("update item set price = price + 1 where id in (2, 3)"), [
        "-- before, 2 rows:",
        "id,name,price",
        cents("2,item 2,1.5"),
        cents("3,item 3,2.5"),
        "-- after, 2 rows:",
        "id,name,price",
        cents("2,item 2,2.5"),
        cents("3,item 3,3.5"),
        "-- dry run, nothing was changed: update, 2 rows of item",
      ]);
      const keyed = await tried("update link set note = 'new' where b = 1;");
      assert.deepEqual(keyed.slice(0, 4), ["-- before, 2 rows:", "a,b,note", "1,1,x", "2,1,"]);
      assert.deepEqual(keyed.slice(4, 8), ["-- after, 2 rows:", "a,b,note", "1,1,new", "2,1,new"]);
    });

    it("shows five rows at most and counts all", async () => {
      const lines = await tried("update item set name = 'same'");
      assert.deepEqual([lines[0], lines[7]], ["-- before, 5 of 8 rows:", "-- after, 5 of 8 rows:"]);
      assert.equal(lines.at(-1), "-- dry run, nothing was changed: update, 8 rows of item");
    });

    it("shows rows that would be deleted, and rows that would be added", async () => {
      assert.deepEqual(await tried("delete from link where a = 2 -- only this"), [
        "-- before, 1 row:",
        "a,b,note",
        "2,1,",
        "-- dry run, nothing was changed: delete, 1 row of link",
      ]);
      assert.deepEqual((await tried("insert into loose (name) values ('c')")).slice(0, 3), ["-- after, 1 row:", "name", "c"]);
      assert.deepEqual((await tried("insert into loose select name from item where id = 1")).slice(2), [
        "item 1",
        "-- dry run, nothing was changed: insert, 1 row of loose",
      ]);
    });

    it("says why the rows before are not shown", async () => {
      assert.ok(
        (await tried("update loose set name = 'z' where name = 'a'")).includes(
          "-- the rows before are not shown, because the table has no primary key",
        ),
      );
      const moved = await tried("update item set id = id + 100 where id > 6");
      assert.ok(moved.includes("-- the rows before are not shown, because the statement may change the primary key"));
      assert.equal(moved[0], "-- after, 2 rows:");
    });

    it("shows what a statement that returns rows would return", async () => {
      assert.deepEqual(await tried("delete from item where id = 8 returning name"), [
        "-- what it returns, 1 row:",
        "name",
        "item 8",
        "-- dry run, nothing was changed: delete, 1 row of item",
      ]);
    });

    it("changes no row where none is meant", async () => {
      assert.equal(
        (await tried("update item set name = 'x' where id = 0")).at(-1),
        "-- dry run, nothing was changed: update, 0 rows of item",
      );
    });

    it("tries changes of the schema", async () => {
      assert.deepEqual(await tried("drop table loose"), ["-- dry run, nothing was changed: drop loose"]);
      assert.match((await tried("create table fresh (id integer)")).join(), /^-- dry run, nothing was changed: create( fresh)?$/);
      await assert.rejects(app.ask("select * from fresh"));
    });

    it("binds parameters by position", async () => {
      const lines = await tried(`update item set name = ${placeholder(1)} where id = ${placeholder(2)}`, ["it's; drop table item --", 4]);
      assert.ok(lines.some((line) => line.startsWith("4,it's; drop table item --,")));
    });

    it("tells what is wrong with a statement as if it ran, and leaves nothing behind", async () => {
      const earlier = await state();
      await assert.rejects(app.ask("insert into item values (1, 'again', 0)", { dry_run: true }), { code: "CONSTRAINT_VIOLATED" });
      await assert.rejects(app.ask("update item set nme = 'x' where id = 1", { dry_run: true }), { code: /NOT_FOUND|SQL_INVALID/ });
      await assert.rejects(app.ask("vacuum", { dry_run: true }), { code: "POLICY_DENIED" });
      assert.equal(await state(), earlier);
    });

    it("keeps the connection fit for the next write", async () => {
      await tried("update item set name = 'x' where id = 1");
      assert.equal(await app.execute("insert into loose values ('kept')"), "-- done: insert, 1 row of loose");
      assert.equal(await app.execute("delete from loose where name = 'kept'"), "-- done: delete, 1 row of loose");
    });
  });
}

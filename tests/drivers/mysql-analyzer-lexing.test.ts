import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import { never } from "../contract/driver/bench.ts";
import { type Peer, peers } from "./mysql-peers.ts";

/** Texts that parsers read in different ways. Some read `salary`, some only seem to, some are no SQL at all. */
const odd: readonly string[] = [
  "select amount from salary",
  "select 1 /*! , (select max(amount) from salary) */",
  "select 1 /*!50000 , (select max(amount) from salary) */",
  "select 1 /*!99999 , (select max(amount) from salary) */",
  "select 1 /*!999999 , (select max(amount) from salary) */",
  "select 1 /*M! , (select max(amount) from salary) */",
  "select 1 /*M!100000 , (select max(amount) from salary) */",
  "select 1 /*m! , (select max(amount) from salary) */",
  "select 1 /* /* */ , (select max(amount) from salary) /* */",
  "select 1 /* /* */ */ , (select max(amount) from salary)",
  "select 1 /*! /* x */ , (select max(amount) from salary) */",
  "select 1 /*/ , (select max(amount) from salary) /*/",
  "select 1 /**/ , (select max(amount) from salary) /**/",
  "select 1 /***/ , (select max(amount) from salary)",
  "select 1--1 from salary",
  "select 1-- 1 from salary\n",
  "select 1 --\tx\n from salary",
  "select 1 --\n from salary",
  "select 1 --\r from salary",
  "select 1 -- x\r from salary",
  "select 1 -- x\u2028 from salary",
  "select 1 # x\n from salary",
  "select 1 # x\r from salary",
  "select 1 #\n#\n from salary",
  "select 1--\u0001 from salary",
  "select 1 --\u007f\n from salary",
  "select 1 - - 1 from salary",
  "select '\\' from salary -- '",
  "select 'a\\\\' from salary -- '",
  "select 'a'' from salary -- '",
  "select '\\'' from salary -- '",
  'select "\\" from salary -- "',
  "select `\\` from salary -- `",
  "select `a``` from salary",
  "select 'a' 'b' from salary",
  "select N'a' from salary",
  "select n'\\' from salary -- '",
  "select x'27' from salary",
  "select X'2' from salary",
  "select b'01' from salary",
  'select x"41" from salary',
  "select _utf8mb4'a' from salary",
  "select _utf8mb4 0x41 from salary",
  "select _nosuch'a' from salary",
  "select 1e1from salary",
  "select 1e1 from salary",
  "select 1.from salary",
  "select 1.5from salary",
  "select 1e+from salary",
  "select .1from salary",
  "select 0x41from salary",
  "select 0x41 from salary",
  "select 0X41 from salary",
  "select 0b1from salary",
  "select 1from from salary",
  "select 1`from`from salary",
  "select 1'x'from salary",
  "select'x'from salary",
  "select(1)from salary",
  "select*from salary",
  "select`amount`from`salary`",
  "select salary.amount from salary",
  "select salary . amount from salary",
  "select salary.1e5 from salary",
  "select`salary`.`amount`from`salary`",
  "select .salary.amount from salary",
  "select amount from .salary",
  "select amount from odd.salary",
  "select amount from odd . salary",
  "select amount from odd./**/salary",
  "select amount from\u00a0salary",
  "select amount from\u000bsalary",
  "select amount from\u000csalary",
  "select amount from\u3000salary",
  "select amount from\u0085salary",
  "select amount\ufefffrom salary",
  "select amount from `salary",
  "select amount from [salary]",
  "select amount from 'salary'",
  'select amount from "salary"',
  'select amount from U&"salary"',
  "select $$ from salary $$",
  "select $a$ from salary $a$",
  "select 1 as $a from salary",
  "select \\N from salary",
  "select @x:=1 from salary",
  "select @`x` from salary",
  "select @@version from salary",
  "select {d '2026-01-01'} from salary",
  "select {x (select max(amount) from salary)}",
  "select 1 from {oj salary left join person on 1}",
  "select 1 from (salary)",
  "select 1 from ((salary))",
  "select 1 from (salary, person)",
  "select 1 from person, (salary join person as p)",
  "select 1 from dual, salary",
  "select 1 from `dual`, salary",
  "select 1 from person dual, salary",
  "select 1 from person as a join salary as b",
  "select 1 from person a straight_join salary",
  "select 1 from person natural join salary",
  "select 1 from person full join salary",
  "select 1 from person lateral, salary",
  "select 1 from person offset, salary",
  "select 1 from person window, salary",
  "select 1 from person use index (primary), salary",
  "select 1 from person use index (primary) salary",
  "select 1 from person partition (p0), salary",
  "with x as (select 1) select 1 from salary",
  "with salary as (select 1 as amount) select amount from salary",
  "with salary as (select 1 as amount) select amount from odd.salary",
  "with Salary as (select 1 as amount) select amount from salary",
  "with salary as (select amount from salary) select amount from salary",
  "with recursive salary as (select 1 as amount union select amount from salary) select amount from salary",
  "with recursive a as (select amount from salary), salary as (select 1 as amount) select * from a",
  "with a as (select amount from salary), salary as (select 1 as amount) select * from a",
  "with a as (with salary as (select 1 as amount) select * from salary) select amount from salary",
  "select (with salary as (select 1 as amount) select amount from salary) from salary",
  "select 1 union (with salary as (select 1 as amount) select amount from salary)",
  "with salary as (select 1 as amount) (select amount from salary) union select amount from odd.salary",
  "table salary",
  "values (1)",
  "values row((select max(amount) from salary))",
  "select 1 from (values (1), ((select max(amount) from salary))) v",
  "select 1 in (table salary)",
  "select exists (table salary)",
  "select 1 limit 0 offset 1",
  "select 'select amount from salary'",
  "select 1 as `from salary`",
  "select person.id as salary from person",
  "select salary.id from person salary",
  "select 1;",
  "select amount from salary;",
  "select 1; select amount from salary",
  "select 1 into @x from salary",
  "select 1 from salary procedure analyse()",
  "select sql_no_cache 1 from salary",
  "select sql_no_cache, 1 from salary",
  "select all amount from salary",
  "select distinct(amount)from(salary)",
  "select match amount against ('x') from salary",
  "select interval 1 day + '2026-01-01' from salary",
  "select count(*)from salary",
  "select count (*) from salary",
  "select case when 1 then 2 end from salary",
  "select case when 1 then 2 endfrom from salary",
  "select 1 from salary for system_time all",
  "select 1 from person where (1, 2) in (select 1, amount from salary)",
  "select 1 from person order by (select max(amount) from salary)",
  "select group_concat(id order by (select max(amount) from salary)) from person",
  "select sum(id) over (order by (select max(amount) from salary)) from person",
  "select j.x from json_table((select max(amount) from salary), '$' columns (x int path '$')) j",
  "explain select 1 from salary",
  "describe salary",
  "desc salary amount",
  "show columns from salary",
  "analyze select 1 from salary",
];

for (const { name, absence, start } of peers) {
  describe(`${name} reads odd texts as the analyzer does`, { skip: absence }, () => {
    let peer: Peer;
    let connection: Connection;
    const runs = new Map<string, boolean>();
    const needs = new Map<string, boolean>();
    before(async () => {
      peer = await start("odd");
      await peer.run("create table person (id int primary key, name varchar(20))");
      await peer.run("create table salary (person_id int primary key, amount int)");
      await peer.run("create table dual_purpose (id int)");
      await peer.run("insert into salary values (1, 5)");
      for (const sql of odd) runs.set(sql, await succeeds(sql));
      await peer.run("rename table salary to moved");
      for (const sql of odd) needs.set(sql, runs.get(sql) === true && !(await succeeds(sql)));
      await peer.run("rename table moved to salary");
      connection = await peer.open(true);
    });
    after(async () => {
      await connection?.[Symbol.asyncDispose]();
      await peer?.stop();
    });
    const succeeds = (sql: string): Promise<boolean> =>
      peer.run(sql).then(
        () => true,
        () => false,
      );

    for (const sql of odd)
      it(JSON.stringify(sql), async () => {
        const [statement, ...others] = await connection.analyze(sql).catch(() => []);
        const isRefused =
          statement === undefined || others.length > 0 || statement.kind !== "read" || statement.analysis?.unresolved !== undefined;
        const seen = statement?.analysis?.relations.some((use) => use.name === "salary" || / salary$/.test(use.name)) === true;
        if (needs.get(sql)) assert.ok(isRefused || seen, "the server reads the table, and the analyzer does not see it");
        if (!isRefused && runs.get(sql) && !needs.get(sql)) assert.ok(!seen, "the server does not read the table");
        if (isRefused || !runs.get(sql)) return;
        await using rows = await connection.query(sql, [], { signal: never, batchSize: 10 });
        for await (const _ of rows);
      });

    it("the oracle finds most of them to read the table", () => {
      assert.ok([...needs.values()].filter(Boolean).length > 60);
    });
  });
}

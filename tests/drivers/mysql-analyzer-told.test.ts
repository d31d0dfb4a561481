import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { never, rejection } from "../contract/driver/bench.ts";
import { type Peer, peers } from "./mysql-peers.ts";

/** Twenty-seven rows, whose addresses run against their numbers. */
const numbers = Array.from({ length: 27 }, (_, at) => at);
const letter = (at: number) => `${String(90 - at).padStart(2, "0")}@hidden.example`;

const setup = [
  "create table letter (id int primary key, region varchar(4), email varchar(40), pad varchar(200), key mail (email), key both_of (region, email), fulltext words (pad))",
  `insert into letter values ${numbers.map((at) => `(${at}, '${["EU", "US", "AP"][at % 3]}', '${letter(at)}', repeat('p', 200))`).join(", ")}`,
  "create table box (email varchar(40) primary key, id int not null, tag int, key tags (tag))",
  `insert into box values ${numbers.map((at) => `('${letter(at)}', ${at}, ${at % 3})`).join(", ")}`,
  "create table crate (id int not null, email varchar(40) not null, unique key mails (email))",
  `insert into crate values ${numbers.map((at) => `(${at}, '${letter(at)}')`).join(", ")}`,
  "create table card (id int primary key, number varchar(20), tail varchar(4) as (right(number, 4)) stored, digits int as (char_length(`number`)) virtual, ends varchar(8) as (concat(tail, '-', id)) virtual, lines_ varchar(9) as (concat('l', id)) stored, key ends_ (ends), key tails (tail))",
  `insert into card (id, number) values ${numbers.map((at) => `(${at}, '${9900 - at}')`).join(", ")}`,
  "create table filled (id int primary key, number varchar(20), copy varchar(20) default (concat('n', number)), other varchar(9) default 'x')",
  "insert into filled (id, number) values (1, '4711')",
  "create table faint (id int primary key, number varchar(20), tail varchar(4) as (right(number, 4)) stored invisible)",
  "insert into faint (id, number) values (1, '4711')",
  "create table parted (id int not null, area int not null, key ids (id)) partition by list (area) (partition p1 values in (2), partition p2 values in (1))",
  `insert into parted values ${numbers.map((at) => `(${at}, ${(at % 2) + 1})`).join(", ")}`,
  "create view ends_of as select id, ends from card",
  "create table visit (id int primary key, person_id int, what varchar(20))",
  "create table person (id int primary key, region varchar(4), name varchar(9))",
  "insert into visit values (1, 1, 'seen'), (2, 2, 'canary'), (3, 3, 'seen')",
  "insert into person values (1, 'EU', 'Ada'), (2, 'US', 'Bob'), (3, 'EU', 'Eve')",
  "create view seen as select v.id, v.what from visit v join person p on p.id = v.person_id where p.region = 'EU'",
];

for (const { name, absence, start } of peers) {
  describe(`mysql analyzer on ${name} lets nothing be told`, { skip: absence }, () => {
    let peer: Peer;
    let connection: Connection;
    before(async () => {
      peer = await start("told");
      for (const sql of setup) await peer.run(sql);
      connection = await peer.open(true);
    });
    after(async () => {
      await connection?.[Symbol.asyncDispose]();
      await peer?.stop();
    });

    const restrict = (table: string, parts: Partial<RelationRestriction>): RelationRestriction => ({
      ...{ schema: "told", name: table, hidden: [], masks: [], where: [], values: {}, salt: "s" },
      ...parts,
    });
    const redact = (table: string, ...columns: readonly string[]) =>
      restrict(table, { masks: columns.map((column) => ({ column, form: "redact" as const })) });
    const ask = async (sql: string, ...restrictions: readonly RelationRestriction[]) => {
      await using stream = await connection.query(sql, [], { signal: never, batchSize: 100, restrictions });
      const rows: Value[][] = [];
      for await (const { length, columns } of stream)
        for (let row = 0; row < length; row++) rows.push(columns.map((column) => column[row] ?? null));
      return { names: stream.columns.map((column) => column.name), rows };
    };
    const values = async (sql: string, ...restrictions: readonly RelationRestriction[]) =>
      (await ask(sql, ...restrictions)).rows.map((row) => row[0] ?? null);
    const refused = async (work: Promise<unknown>, pattern: RegExp) => {
      const diagnosis = peer.driver.diagnose(await rejection(work));
      assert.match(`${diagnosis?.code} ${diagnosis?.message}`, pattern);
    };

    it("by the order of rows in an index of what is masked or hidden", async () => {
      assert.notDeepEqual(await values("select id from letter"), numbers, "the index would be followed");
      for (const restriction of [redact("letter", "email"), restrict("letter", { hidden: ["email"] })]) {
        assert.deepEqual(await values("select id from letter", restriction), numbers);
        assert.deepEqual(await values("select id from letter limit 5", restriction), [0, 1, 2, 3, 4]);
        const europe = numbers.filter((at) => at % 3 === 0);
        assert.deepEqual(await values("select id from letter where region = 'EU'", restriction), europe);
        assert.deepEqual(await values("select id from letter force index (mail)", restriction), numbers);
        assert.deepEqual(await values("select l.id from letter l use index (both_of) where l.region = 'EU'", restriction), europe);
      }
      assert.match(
        (await connection.render?.("select id from letter", [redact("letter", "pad")], never)) ?? "",
        /from `told`\.`letter`\) as/,
      );
    });

    it("by the order of rows in a primary key that is masked, or what stands for one", async () => {
      assert.notDeepEqual(await values("select id from box"), numbers);
      assert.deepEqual(await values("select id from box", redact("box", "email")), numbers);
      assert.deepEqual(await values("select id from box where tag = 1 limit 3", redact("box", "email")), [1, 4, 7]);
      assert.deepEqual(await values("select id from crate", restrict("crate", { hidden: ["email"] })), numbers);
    });

    it("by the partitions rows lie in", async () => {
      assert.deepEqual((await values("select id from parted limit 2")).length, 2);
      assert.deepEqual(await values("select id from parted", redact("parted", "area")), numbers);
      await refused(
        ask("select id from parted partition (p1)", redact("parted", "area")),
        /POLICY_DENIED Rows of "parted" cannot be chosen/,
      );
      assert.equal((await values("select id from parted partition (p1)", redact("parted", "id"))).length, 13);
    });

    it("by conditions that fail on rows that are filtered away", async () => {
      const own = restrict("letter", { where: ["region = 'EU'"] });
      const europe = numbers.filter((at) => at % 3 === 0);
      for (const condition of [
        "exp(if(region = 'EU', 1, 1000)) > 0",
        "if(region = 'EU', 1, (select 1 union select 2)) > 0",
        "email > '0' and exp(if(region = 'EU', 1, 1000)) > 0",
      ])
        assert.deepEqual(await values(`select id from letter where ${condition} order by id`, own), europe, condition);
      const rendered = async (sql: string) => (await connection.render?.(sql, [own], never)) ?? "";
      assert.match(await rendered("select id from letter where id / 2 > 1"), /limit 18446744073709551615/);
      for (const plain of [
        "select id * 2, exp(id) from letter where id > -1 and region in ('EU', 'US') limit 3",
        "select count(*), max(lower(email)) from letter where email like '%@%' and not (id between 3 and 5 or region is null)",
        "select l.* from letter l join person p on p.id = l.id and upper(p.name) = 'ADA'",
        "select id from letter where id in (select id from person) and exists (select 1 from visit)",
        "select id from letter where coalesce(region, 'x') = 'EU' and '2026-01-01' < now() - interval 7 day",
        "select id from letter where match (pad) against ('x')",
      ])
        assert.doesNotMatch(await rendered(plain), /18446744073709551615/, plain);
      await refused(ask("select id from letter where match (pad) against ('x') and id / 2 > 1", own), /UNSUPPORTED Cannot search by MATCH/);
    });

    it("by a plan that quotes what masks and filters are made of, or by the rows a limit lets it examine", async () => {
      const own = restrict("letter", { masks: [{ column: "email", form: "hash" }], where: ["region = 'EU'"], salt: "brine" });
      for (const sql of ["explain select id from letter where email = 'x'", "describe select id from letter where email > 'x'"]) {
        const { rows } = await ask(sql, own);
        assert.ok(rows.length > 0 && !/brine|EU/.test(JSON.stringify(rows)), JSON.stringify(rows));
      }
      if (name === "MariaDB")
        await refused(ask("select id from letter limit rows examined 9", own), /POLICY_DENIED Cannot limit the rows examined/);
    });

    it("of values around a subquery that names no table", async () => {
      const own = restrict("visit", { where: ["id < 3"] });
      assert.deepEqual((await ask("select (select upper(v.what)), (select v.what from dual) from visit v order by v.id", own)).rows, [
        ["SEEN", "seen"],
        ["CANARY", "canary"],
      ]);
      assert.deepEqual((await ask("select (select upper(v.what)) from visit v", own)).names, ["(select upper(v.what))"]);
    });

    it("by columns that are computed from what is masked or hidden", async () => {
      for (const restriction of [redact("card", "number"), restrict("card", { hidden: ["number"] })]) {
        const { rows } = await ask("select tail, digits, ends, lines_ from card order by id limit 1", restriction);
        assert.deepEqual(rows, [["***", null, "***", "l0"]]);
        assert.deepEqual(await values("select count(distinct tail) from card", restriction), [1]);
        assert.deepEqual(await values("select id from card where tail = '9900'", restriction), []);
        assert.deepEqual(await values("select id from card", restriction), numbers);
        assert.deepEqual(await values("select ends from ends_of limit 1", restriction), ["***"]);
      }
      assert.deepEqual((await ask("select copy, other from filled", redact("filled", "number"))).rows, [["***", "x"]]);
      assert.deepEqual((await ask("select tail from faint", redact("faint", "number"))).rows, [["***"]]);
      assert.deepEqual((await ask("select * from faint", redact("faint", "number"))).rows, [[1, "***"]]);
      assert.deepEqual(await values("select tail from card where id = 0", redact("card", "id")), []);
    });

    it("of what a computed column is made of: it counts as read", async () => {
      const [statement] = await connection.analyze("select ends from card where lines_ = 'l1'");
      const reached = new Map(statement?.analysis?.columns.map(({ column, byStar }) => [column, byStar === true]));
      assert.deepEqual([...reached].sort(), [
        ["ends", false],
        ["id", true],
        ["lines_", false],
        ["number", true],
        ["tail", true],
      ]);
    });

    it("where a name of the caller's own takes the place of what a policy or a view reads", async () => {
      const own = restrict("visit", { where: ["person_id in (select id from person where region = 'EU')"] });
      const seen = async (sql: string) => assert.deepEqual(await values(sql, own), [1, 3], sql);
      await seen("select id from visit order by id");
      await seen("with person as (select 2 as id, 'EU' as region) select id from visit order by id");
      await seen(
        "with recursive person (id, region) as (select 1, 'EU' union all select id + 1, region from person where id < 9) select id from visit order by id",
      );
      await seen("select * from (with person as (select 2 as id, 'EU' as region) select id from visit) t order by id");
      await seen("with visit as (select * from told.visit), person as (select 2 as id, 'EU' as region) select id from visit order by id");
      await seen("with person as (select 2 as id, 'EU' as region) select id from seen order by id");
      const named = restrict("visit", {
        masks: [{ column: "what", form: { sql: "(select name from person p where p.id = visit.person_id)" } }],
      });
      assert.deepEqual(await values("with person as (select 1 as id, 'forged' as name) select what from visit order by id", named), [
        ...["Ada", "Bob", "Eve"],
      ]);
      const valued = restrict("visit", {
        where: ["exists (with p as (select * from person where region = :region) select 1 from p where p.id = person_id)"],
        values: { region: "US" },
      });
      assert.deepEqual(await values("with p as (select 1 as id) select id from visit", valued), [2]);
    });

    it("by a policy that names what is not there, or its caller's tables", async () => {
      for (const where of ["person_id in (select id from nothing)", "nowhere = 1", "id in (select id from mine)", "p.id = 1"])
        await refused(
          ask("with mine as (select 1 as id), nothing as (select 2 as id) select id from visit p", restrict("visit", { where: [where] })),
          /POLICY_DENIED Cannot tell what the policy's own SQL for "visit" reaches/,
        );
    });

    it("by the names of computed columns, which stay what they were", async () => {
      const mask = redact("letter", "email");
      for (const item of [
        "upper(email)",
        "(select max(email) from letter)",
        "( 1 + (select count(*) from letter where email <> 'é 😀'))",
        "exists (select 1 from letter)",
        "concat('it''s', (select min(email) from `letter`))",
        "max(told.letter.email)",
        `concat(${"'abcdefgh', ".repeat(40)}(select max(email) from letter))`,
      ]) {
        const [plain, under] = [
          await ask(`select ${item} from letter group by id`),
          await ask(`select ${item} from letter group by id`, mask),
        ];
        assert.deepEqual(under.names, plain.names);
      }
      const inner = "select * from (select (select max(email) from letter)) t";
      assert.deepEqual((await ask(inner, mask)).names, (await ask(inner)).names);
    });

    it("of a database that is not there, other than of a table", async () => {
      const diagnosis = peer.driver.diagnose(await rejection(connection.analyze("select * from nowhere.nothing")));
      assert.equal(diagnosis?.code, "SQL_INVALID");
      assert.equal(diagnosis?.missingKind, "object");
    });

    it("of statements that ran before", async () => {
      for (const sql of ["select found_rows()", "select row_count()", "select last_insert_id()"]) {
        const [statement] = await connection.analyze(sql);
        assert.deepEqual(
          statement?.analysis?.functions.map(({ trusted }) => trusted),
          [false],
        );
      }
      for (const sql of ["select @@last_insert_id", "select @@identity"]) {
        const [statement] = await connection.analyze(sql);
        assert.deepEqual(
          statement?.analysis?.relations.map(({ tells }) => tells),
          ["contents"],
        );
      }
    });

    it("and says what is wrong with a comment that the server would run", async () => {
      for (const sql of ["select 1 /*! + 1 */", "/*!50000 select 1 */", "select /*M!100000 1 */"])
        await refused(connection.analyze(sql), /POLICY_DENIED Comments that the server runs \(\/\*! … \*\/.*are not accepted/);
      assert.deepEqual(await values("select '/*! x */'"), ["/*! x */"]);
    });
  });
}

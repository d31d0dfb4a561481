import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Analysis, MaskForm, RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection, Driver, Statement, Target } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { inertTexts, legitimate, masked, positions, reaches, verbs } from "./analyzer/cases.ts";

/** What differs from engine to engine. The statements of the suite are portable SQL otherwise. */
export interface AnalyzerFixture {
  /** The schema the suite's tables are in, as the catalog calls it; absent where there is none. */
  readonly schema?: string;
  /** True when the engine tells columns a view or star could reach, though the statement does not use them. */
  readonly generousColumns?: boolean;
  /** Statements of the suite this engine does not have, by their text or part of it, and why. */
  readonly lacks: readonly { readonly part: string; readonly reason: string }[];
  /** Calls of functions that write, wait, reach files or other servers, or run text; each must be untrusted or unresolved. */
  readonly dangerous: readonly string[];
  /** Statements of analysts that only this engine has; they read `person` and `purchase` and must be allowed as they are. */
  readonly legitimate: readonly string[];
  /** Statements that only this engine has and that must be refused, because they change or reach something: by kind, by an untrusted function, or unresolved. */
  readonly refused: readonly string[];
  /** Statements only this engine has whose result must not show an address of `person.email` when that is masked. */
  readonly masked: readonly string[];
}

export interface AnalyzerSuite {
  readonly name: string;
  readonly driver: Driver;
  /** An empty database the suite may fill. */
  readonly target: Target;
  readonly fixture: AnalyzerFixture;
}

const never = new AbortController().signal;
/** What makes the tables that the statements are about. */
export const setup = [
  "create table person (id integer not null primary key, name varchar(40), email varchar(80), region varchar(10), boss_id integer)",
  "create table purchase (id integer not null primary key, person_id integer, total decimal(10,2), placed date)",
  "create table salary (person_id integer not null primary key, amount integer)",
  "create view contact as select id, name, email from person",
  "create view address as select id as nr, email as mail from contact",
  "create view spent as select person_id, sum(total) as total, count(*) as times from purchase group by person_id",
  ...Array.from(
    { length: 12 },
    (_, i) =>
      `insert into person values (${i + 1}, 'name${i + 1}', 'secret${i + 1}@hidden.example', '${i % 3 === 0 ? "EU" : "US"}', ${i === 0 ? "null" : 1})`,
  ),
  ...Array.from(
    { length: 20 },
    (_, i) => `insert into purchase values (${i + 1}, ${(i % 12) + 1}, ${i}.50, '2026-01-${String(i + 1).padStart(2, "0")}')`,
  ),
  ...Array.from({ length: 12 }, (_, i) => `insert into salary values (${i + 1}, ${1000 * (i + 1)})`),
];

/** Says what every analyzer must see, and what a statement must give under restrictions. */
export function describeAnalyzer({ name, driver, target, fixture }: AnalyzerSuite): void {
  let connection: Connection;
  const lacks = (sql: string): string | undefined => fixture.lacks.find(({ part }) => sql.includes(part))?.reason;
  const each = (title: string, statements: readonly string[], run: (sql: string) => Promise<void>): void => {
    for (const sql of statements) {
      const reason = lacks(sql);
      if (reason === undefined) it(`${title}: ${sql.slice(0, 160)}`, () => run(sql));
      else it.skip(`${title}: ${sql.slice(0, 120)} (${reason})`, () => undefined);
    }
  };
  const analysed = async (sql: string): Promise<{ statement: Statement; analysis: Analysis }> => {
    const [statement, ...others] = await connection.analyze(sql);
    assert.ok(statement !== undefined && others.length === 0, "one statement");
    assert.ok(statement.analysis !== undefined, "it is analysed");
    return { statement, analysis: statement.analysis };
  };
  const tablesOf = ({ relations }: Analysis): string[] =>
    [...new Set(relations.filter(({ kind }) => kind === "table").map((use) => use.name))].sort();
  const restrict = (table: string, parts: Partial<RelationRestriction>): RelationRestriction => ({
    ...(fixture.schema !== undefined && { schema: fixture.schema }),
    name: table,
    hidden: [],
    masks: [],
    where: [],
    values: {},
    ...parts,
  });
  const maskEmail = (form: MaskForm = "redact") => [restrict("person", { masks: [{ column: "email", form }] })];
  const rows = async (sql: string, restrictions?: readonly RelationRestriction[]): Promise<string[]> =>
    (await read(connection, sql, restrictions)).rows.map((row) =>
      JSON.stringify(row, (_, value) => (typeof value === "bigint" ? `${value}n` : value)),
    );
  const isRefused = async (sql: string): Promise<boolean> => {
    const found = await connection.analyze(sql).catch(() => undefined);
    const [statement, ...others] = found ?? [];
    if (statement === undefined || others.length > 0 || statement.kind !== "read") return true;
    return statement.analysis?.unresolved !== undefined || statement.analysis?.functions.some(({ trusted }) => !trusted) === true;
  };

  describe(`analyzer ${name}`, () => {
    before(async () => {
      await using writer = await driver.connect(target, { signal: never, readOnly: false });
      for (const sql of setup) await drain(writer, sql);
      connection = await driver.connect(target, { signal: never, readOnly: true });
    });
    after(() => connection[Symbol.asyncDispose]());

    describe("reaches", () => {
      for (const { sql, tables, columns } of reaches) {
        each("names the base tables and columns", [sql], async () => {
          const { analysis } = await analysed(sql);
          assert.equal(analysis.unresolved, undefined, JSON.stringify(analysis.unresolved));
          assert.deepEqual(tablesOf(analysis), [...tables].sort());
          const found = new Set(analysis.columns.map(({ table, column }) => `${table}.${column}`));
          for (const column of columns) assert.ok(found.has(column), `${column} is used and was not seen`);
          if (!fixture.generousColumns) assert.deepEqual([...found].sort(), [...columns].sort());
          for (const use of analysis.relations) assert.equal(use.schema, use.kind === "table" ? fixture.schema : use.schema);
        });
      }
      each("finds a table hidden in any position", positions, async (sql) => {
        assert.ok(tablesOf((await analysed(sql)).analysis).includes("salary"));
      });
    });

    describe("judges", () => {
      for (const { sql, kind, table, access } of verbs) {
        each("tells what is done to which table", [sql], async () => {
          const { statement, analysis } = await analysed(sql);
          assert.equal(statement.kind, kind);
          if (table !== undefined)
            assert.ok(
              analysis.relations.some((use) => use.name === table && use.access === access),
              JSON.stringify(analysis.relations),
            );
        });
      }
      each("does not trust what changes, waits or reaches out", fixture.dangerous, async (sql) => assert.ok(await isRefused(sql)));
      each("refuses", fixture.refused, async (sql) => assert.ok(await isRefused(sql)));
      each("is not misled by texts, names and comments", inertTexts, async (sql) => {
        const { statement, analysis } = await analysed(sql);
        assert.equal(statement.kind, "read");
        assert.equal(analysis.unresolved, undefined);
        assert.deepEqual(
          tablesOf(analysis).filter((table) => table === "salary"),
          [],
        );
      });
      it("sees a write without a where", async () => {
        assert.equal((await analysed("delete from purchase")).analysis.everyRow, true);
        assert.notEqual((await analysed("delete from purchase where id = 1")).analysis.everyRow, true);
      });
    });

    describe("allows what analysts write", () => {
      each("unchanged in its result", [...legitimate, ...fixture.legitimate], async (sql) => {
        const { statement, analysis } = await analysed(sql);
        assert.equal(statement.kind, "read");
        assert.equal(analysis.unresolved, undefined, JSON.stringify(analysis.unresolved));
        assert.deepEqual(
          analysis.functions.filter(({ trusted }) => !trusted),
          [],
        );
        const everything = ["person", "purchase", "salary"].map((table) => restrict(table, { where: ["1 = 1"] }));
        const ordered = /order by/i.test(sql) ? (list: string[]) => list : (list: string[]) => list.sort();
        assert.deepEqual(ordered(await rows(sql, everything)), ordered(await rows(sql)));
      });
    });

    describe("masks", () => {
      each("never show a masked value", [...masked, ...fixture.masked], async (sql) => {
        const shown = await rows(sql, maskEmail()).catch((error) => [JSON.stringify(driver.diagnose(error) ?? String(error))]);
        assert.ok(!shown.join("\n").includes("hidden.example"), shown.join("\n").slice(0, 300));
        assert.ok(!/secret\d/.test(shown.join("\n")), shown.join("\n").slice(0, 300));
      });
      for (const form of ["redact", "null", "hash", "partial", { sql: "concat('x', name)" }] as const) {
        const title = typeof form === "string" ? form : "an expression";
        it(`leaves the other columns as they are under ${title}`, async (test) => {
          if (typeof form !== "string" && lacks(form.sql) !== undefined) return test.skip("the engine lacks concat");
          const { rows: shown, names } = await read(connection, "select * from person order by id", maskEmail(form));
          assert.deepEqual(names, ["id", "name", "email", "region", "boss_id"]);
          assert.equal(shown.length, 12);
          assert.deepEqual(shown[1]?.slice(0, 2), [2, "name2"]);
          assert.notEqual(shown[1]?.[2], "secret2@hidden.example");
          if (form === "null") assert.equal(shown[1]?.[2], null);
          if (form === "hash") assert.equal(new Set(shown.map((row) => row[2])).size, 12);
          if (typeof form !== "string") assert.equal(shown[1]?.[2], "xname2");
        });
      }
      it("never shows a column that is masked, hidden or filtered on a view alone", async () => {
        const onView = (parts: Partial<RelationRestriction>) => [restrict("contact", parts)];
        const shown = async (parts: Partial<RelationRestriction>) =>
          (
            await rows("select * from contact", onView(parts)).catch((error) => [JSON.stringify(driver.diagnose(error) ?? String(error))])
          ).join("\n");
        assert.ok(!(await shown({ masks: [{ column: "email", form: "redact" }] })).includes("hidden.example"));
        assert.ok(!(await shown({ hidden: ["email"] })).includes("hidden.example"));
        assert.ok(!(await shown({ where: ["id = 1"] })).includes("name2"));
      });
      it("keeps constants and other columns that are merely called the same", async () => {
        assert.deepEqual(await rows("select name as email, 'a@hidden.example' as mail from person where id = 2", maskEmail()), [
          '["name2","a@hidden.example"]',
        ]);
      });
      it("hides a column from a star and refuses it by name", async () => {
        const restrictions = [restrict("person", { hidden: ["email"] })];
        const { names } = await read(connection, "select * from person", restrictions);
        assert.deepEqual(names, ["id", "name", "region", "boss_id"]);
        await assert.rejects(rows("select email from person", restrictions));
        assert.equal((await analysed("select * from person")).analysis.columns.find(({ column }) => column === "email")?.byStar, true);
        assert.notEqual(
          (await analysed("select *, email from person")).analysis.columns.find(({ column }) => column === "email")?.byStar,
          true,
        );
      });
      it("filters rows, also under views and joins", async () => {
        const restrictions = [restrict("person", { where: ["region = :region"], values: { region: "EU" } })];
        assert.equal((await rows("select * from person", restrictions)).length, 4);
        assert.equal((await rows("select * from contact", restrictions)).length, 4);
        assert.equal((await rows("select * from address", restrictions)).length, 4);
        assert.equal((await rows("select p.id from purchase p join person q on q.id = p.person_id", restrictions)).length, 7);
        assert.deepEqual(
          await rows("select count(*) from person", [restrict("person", { where: ["region = :r"], values: { r: "x' or '1'='1" } })]),
          [JSON.stringify([0])],
        );
      });
      it("shows the text it would run without running it", async () => {
        const text = await connection.render?.("select email from person", maskEmail(), never);
        assert.ok(text !== undefined && text.length > 10);
      });
    });

    describe("withstands", () => {
      const bombs: Readonly<Record<string, string>> = {
        "more than 64 KB": `select '${"x".repeat(70_000)}'`,
        "20,000 nested parentheses": `select ${"(".repeat(20_000)}1${")".repeat(20_000)}`,
        "5,000 ANDs": `select 1 from person where ${Array.from({ length: 5000 }, () => "id = 1").join(" and ")}`,
        "a deep nest of subqueries": `${"select * from (".repeat(300)}select 1 as x${") t".repeat(300)}`,
        "U+0000": "select 1\u0000; drop table person",
        "a byte order mark": "\uFEFFselect 1",
        "half a surrogate pair": "select '\uD800'",
      };
      for (const [title, sql] of Object.entries(bombs)) {
        it(`${title}, and the next call works`, async () => {
          const outcome = await connection.analyze(sql).then(
            ([statement]) =>
              statement?.analysis?.unresolved ?? (title === "5,000 ANDs" || title.startsWith("a deep") ? { code: "allowed" } : undefined),
            (error) => driver.diagnose(error),
          );
          assert.ok(outcome !== undefined, "it is refused in words the driver knows");
          assert.deepEqual(tablesOf((await analysed("select id from person")).analysis), ["person"]);
        });
      }
      it("gives statements that differ in values one fingerprint, and others another", async () => {
        const print = async (sql: string) => (await analysed(sql)).analysis.fingerprint;
        const first = await print("select name from person where id = 1");
        assert.match(first, /^[0-9a-f]{16}$/);
        assert.equal(await print("SELECT  name\nFROM person WHERE id=27 -- x"), first);
        assert.notEqual(await print("select email from person where id = 1"), first);
      });
    });
  });
}

async function read(
  connection: Connection,
  sql: string,
  restrictions?: readonly RelationRestriction[],
): Promise<{ readonly names: string[]; readonly rows: Value[][] }> {
  await using stream = await connection.query(sql, [], { signal: never, batchSize: 1000, ...(restrictions && { restrictions }) });
  const found: Value[][] = [];
  for await (const { length, columns } of stream)
    for (let r = 0; r < length; r++) found.push(columns.map((column) => normal(column[r] ?? null)));
  return { names: stream.columns.map((column) => column.name), rows: found };
}

/** Engines differ in whether a small whole number is a number or a bigint; that is not what is compared here. */
const normal = (value: Value): Value => (typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value);

async function drain(connection: Connection, sql: string): Promise<void> {
  await using stream = await connection.query(sql, [], { signal: never, batchSize: 100 });
  for await (const _ of stream);
}

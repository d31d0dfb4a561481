import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CatalogColumn, CatalogObject } from "../../core/contract/catalog.ts";
import type { FederatedPart, FederatedPlan, Federation, Params, PushedCondition } from "../../core/contract/driver.ts";
import type { Diagnosis } from "../../core/contract/problem.ts";
import { partSql } from "../../core/query/federate-sql.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";

const driver = createDuckdbDriver();

const column = (name: string, type: CatalogColumn["type"], nativeType: string): CatalogColumn => ({
  name,
  type,
  nativeType,
  nullable: true,
});

/** A table with one column of each kind, as PostgreSQL would describe it. */
const kinds: CatalogObject = {
  schema: "public",
  name: "kinds",
  kind: "table",
  primaryKey: ["id"],
  columns: [
    column("payload", "json", "jsonb"),
    column("id", "bigint", "bigint"),
    column("name", "text", "character varying(20)"),
    column("mood", "text", "mood"),
    column("price", "decimal", "numeric(12,2)"),
    column("loose", "decimal", "numeric"),
    column("weight", "float", "double precision"),
    column("day", "date", "date"),
    column("made", "timestamp", "timestamp without time zone"),
    column("seen", "timestamptz", "timestamp with time zone"),
    column("open", "boolean", "boolean"),
  ],
};
const people: CatalogObject = {
  schema: "main",
  name: "people",
  kind: "table",
  columns: [column("id", "bigint", "INTEGER"), column("name", "text", "TEXT"), column("born", "date", "DATE")],
};

const tables: Readonly<Record<string, CatalogObject>> = {
  "a.kinds": kinds,
  "a.public.kinds": kinds,
  "a.archive.kinds": { ...kinds, schema: "archive" },
  "a.Kinds": { ...kinds, name: "Kinds" },
  "a.twins": {
    ...people,
    name: "twins",
    columns: [column("Id", "int", "integer"), column("id", "int", "integer"), column("x", "int", "integer")],
  },
  "b.people": people,
  "main.people": people,
};

const federation = (connections: readonly string[], params: Params = []): Federation => ({
  connections,
  params,
  signal: new AbortController().signal,
  strict: (connection) => connection === "a",
  async table(connection, path) {
    const found = tables[`${connection}.${path.join(".")}`];
    if (found !== undefined) return found;
    const diagnosis: Diagnosis = { code: "NOT_FOUND", message: `No table "${path.join(".")}"` };
    throw Object.assign(new Error(diagnosis.message), { diagnosis });
  },
});

async function plan(sql: string, connections: readonly string[] = ["a", "b"]): Promise<FederatedPlan> {
  const found = await driver.federate?.(sql, federation(connections));
  assert.ok(found);
  return found;
}

const named = ({ parts }: FederatedPlan, name: string): FederatedPart => {
  const found = parts.find((part) => part.name.join(".") === name);
  assert.ok(found, `${name} among ${parts.map((part) => part.name.join("."))}`);
  return found;
};

const text = ({ column, op, values }: PushedCondition): string => [column, op, ...values].join(" ");

/** The conditions that a WHERE over `a.kinds` leaves to its connection. */
async function pushed(where: string): Promise<string> {
  return named(await plan(`select 1 from a.kinds where ${where}`), "a.kinds")
    .where.map(text)
    .join(" and ");
}

async function refused(sql: string, connections?: readonly string[]): Promise<Diagnosis> {
  const error = await plan(sql, connections).then(
    () => assert.fail(sql),
    (error: unknown) => error,
  );
  const diagnosis = driver.diagnose(error);
  assert.ok(diagnosis, String(error));
  return diagnosis;
}

describe("the conditions of a statement over several connections", () => {
  it("go to the connection where every engine understands them alike", async () => {
    const alike = {
      "id = 9223372036854775807": "id = 9223372036854775807",
      "5 < id": "id > 5",
      "id between -1 and 3": "id >= -1 and id <= 3",
      "id in (1, 2)": "id in 1 2",
      "name = 'it''s'": "name = it's",
      "name in ('é', '')": "name in é ",
      "name is not null and id is null": "name is not null and id is null",
      "price >= 1.50 and price < -0.05": "price >= 1.50 and price < -0.05",
      "day = '2024-02-29'": "day = 2024-02-29",
      "day >= date '2024-02-29'": "day >= 2024-02-29",
      "made < '2024-02-29'": "made < 2024-02-29 00:00:00",
      "made < timestamp '2024-02-29T23:59:59.000'": "made < 2024-02-29 23:59:59",
      "kinds.id = 1 and a.kinds.id < 2 and (id > 3 and id > 4)": "id = 1 and id < 2 and id > 3 and id > 4",
    };
    for (const [where, expected] of Object.entries(alike)) assert.equal(await pushed(where), expected, where);
  });

  it("stay where an engine could mean something else, or fail", async () => {
    const stays = [
      ...["name > 'a'", "name like 'a%'", "name = 'a\\b'", "name = 5", "name = chr(0)", "lower(name) = 'a'", "name in ('a', null)"],
      ...["mood = 'no such mood'", "mood is null", "loose = 1", "weight = 1", "weight > 0", "open", "open = true", "payload is not null"],
      ...["day = '2024-02-30'", "day = '24-2-3'", "day is null", "day > timestamp '2024-01-01 00:00:00'", "day = '0099-01-01'"],
      ...["made = '2024-01-01 00:00:00.5'", "made = '2024-01-01 24:00:00'", "made is null", "seen > '2024-01-01'"],
      ...[
        "id = 1.0",
        "id = '1'",
        "id = 1e3",
        "id = 9223372036854775808",
        "id <> 1",
        "id not in (1)",
        "id = $1",
        "id = 1 or id = 2",
        "not id = 1",
      ],
      ...["id is not distinct from 1", "id = try_cast('1' as int)", "price > 1e3", "day > current_date"],
    ];
    for (const where of stays) assert.equal(await pushed(where), "", where);
  });

  it("go to the connection with what parameters stand for", async () => {
    const where = async (sql: string, params: Params) => {
      const found = await driver.federate?.(`select 1 from a.kinds where ${sql}`, federation(["a"], params));
      return found?.parts[0]?.where.map(text).join(" and ");
    };
    assert.equal(
      await where("id = $1 and name in ($2, 'b') and day >= $3 and price < ?", [9223372036854775807n, "a", "2024-01-01", 7]),
      "id = 9223372036854775807 and name in a b and day >= 2024-01-01 and price < 7",
    );
    assert.equal(await where("id between $least and $most", { least: -5, most: 2.5 }), "id >= -5");
    assert.equal(await where("id = $1 and name = $2 and day = $3", [null, 5, true]), "");
  });

  it("of decimals and dates stay where a column may hold anything", async () => {
    const { parts } = await plan("select 1 from b.people where id > 3 and name = 'x' and born > '2000-01-01'");
    assert.deepEqual(parts[0]?.where.map(text), ["id > 3", "name = x"]);
  });

  it("go to a table that is named twice only where both places want them", async () => {
    const { parts } = await plan("select count(*) from a.kinds x, a.public.kinds y where x.id = 1 and y.id = 1 and y.name = 'n'");
    assert.deepEqual(
      parts.map(({ where }) => where.map(text)),
      [["id = 1"]],
    );
  });

  it("are not sent before a sample is taken, nor where columns have other names", async () => {
    for (const from of ["a.kinds tablesample 10 rows where id = 1", "a.kinds where id = 1 using sample 3", "a.kinds k(id) where k.id = 1"])
      assert.deepEqual(named(await plan(`select 1 from ${from}`), "a.kinds").where, [], from);
  });

  it("are written with literals that need no escape", async () => {
    const { parts } = await plan(`select id from a.kinds where name in ('it''s', '"') and price = 1.50 and day > '2024-01-01'`);
    assert.equal(
      partSql(parts[0] as FederatedPart, "`kinds`", "`"),
      "select `id`, `name`, `price`, `day` from `kinds` where `name` in ('it''s', '\"') and `price` = 1.50 and `day` > '2024-01-01'",
    );
  });
});

describe("the columns of a statement over several connections", () => {
  it("are those that are named, or all for a star, a row or a list of names", async () => {
    const asked = async (sql: string) => named(await plan(sql), "b.people").columns.join(" ");
    assert.equal(await asked("select p.name from b.people p order by born"), "name born");
    assert.equal(await asked("select kinds.id from a.kinds join b.people using (id)"), "id");
    assert.equal(await asked("select weight from a.kinds natural join b.people"), "id name");
    assert.equal(await asked("select (select max(born) from b.people q where q.id = k.id) from a.kinds k"), "id born");
    assert.equal(await asked("with people as (select name from b.people) select * from people"), "name");
    assert.equal(await asked("select count(*) from b.people"), "id");
    for (const all of ["select *", "select p", "select columns('n.*')", "select p.* exclude (id)", "select 1, to_json(p)"])
      assert.equal(await asked(`${all} from b.people p`), "id name born", all);
    assert.equal(await asked("select x from b.people p(x)"), "id name born");
  });

  it("are at least one, the key if there is any", async () => {
    assert.deepEqual(named(await plan("select count(*) from a.kinds"), "a.kinds").columns, ["id"]);
  });
});

describe("the names of a statement over several connections", () => {
  it("leave its text as it is wherever they can", async () => {
    const sql = 'SELECT a.kinds.id, "b"."people".name FROM a.kinds JOIN b.people ON A.KINDS.id = people.id -- as written';
    assert.equal((await plan(sql)).sql, sql);
  });

  it("take a schema away that the parts do not need", async () => {
    const { sql, parts } = await plan("select a.public.kinds.id, public.kinds.name from a.public.kinds where kinds.id = 1");
    assert.equal(sql, 'SELECT a.kinds.id, a.kinds."name" FROM a.kinds WHERE (kinds.id = 1)');
    assert.equal(parts.length, 1);
  });

  it("tell tables apart that differ in schema or case only", async () => {
    const { sql, parts } = await plan(
      'select a.kinds.id, a.archive.kinds.id, k.id from a.kinds, a.archive.kinds, a."Kinds" k where a.archive.kinds.id = 7',
    );
    assert.deepEqual(new Set(parts.map(({ name }) => name.join(" | "))).size, 3);
    assert.match(sql, /"a\.archive"\.kinds\.id = 7/);
    assert.deepEqual(
      parts.map(({ where }) => where.length),
      [0, 1, 0],
    );
  });

  it("may be those the joining engine has for itself", async () => {
    const { sql, parts } = await plan("select main.people.name from main.people", ["main"]);
    assert.equal(parts[0]?.name.join(" | "), "main.main | people");
    assert.equal(sql, 'SELECT "main.main".people."name" FROM "main.main".people');
  });

  it("mean a common table expression where they stand alone, and a connection where they do not", async () => {
    const { parts } = await plan("with a as (select 1 as id), people as (select 2 as id) select * from a, people, b.people p");
    assert.deepEqual(
      parts.map(({ name }) => name.join(".")),
      ["b.people"],
    );
  });
});

describe("a statement that cannot be taken apart", () => {
  const because = async (sql: string, code: Diagnosis["code"], message: RegExp, connections?: readonly string[]) => {
    const diagnosis = await refused(sql, connections);
    assert.equal(diagnosis.code, code, `${sql}: ${diagnosis.message}`);
    assert.match(diagnosis.message, message);
    return diagnosis;
  };

  it("names no connection, or one that is not there", async () => {
    await because("select 1", "INPUT_INVALID", /names no table of a connection/);
    await because("select * from people, b.people", "INPUT_INVALID", /Table "people" names no connection/);
    const { hint } = await because("select * from c.people", "NOT_FOUND", /No connection of this statement is called "c"/);
    assert.match(hint ?? "", /a, b/);
    await because("select * from b.persons", "NOT_FOUND", /persons/);
    await because("select * from aa.people", "INPUT_INVALID", /"aa" means more than one connection: aA, Aa/, ["aA", "Aa"]);
  });

  it("is no SELECT, or more than one", async () => {
    for (const sql of ["delete from b.people", "create table x as from b.people", "explain from b.people", "set threads = 1", "attach 'x'"])
      await because(sql, "POLICY_DENIED", /they are only read, by one SELECT/);
    await because("from b.people; from b.people", "SQL_INVALID", /2 statements/);
    await because("from b.people; drop table x", "POLICY_DENIED", /more than one SELECT/);
    await because(" -- nothing", "SQL_INVALID", /no statement/);
    await because("pivot b.people on name using count(*)", "UNSUPPORTED", /name its values/);
  });

  it("is wrong in itself, and says where", async () => {
    assert.equal((await because("selec 1", "SQL_INVALID", /Syntax error/)).position, 0);
    const missing = await because("select nope from b.people", "SQL_INVALID", /Column "nope" does not exist/);
    assert.deepEqual([missing.missing, missing.missingKind, missing.position], ["nope", "column", 7]);
    const ambiguous = await refused("select id from a.kinds, b.people");
    assert.match(ambiguous.message, /Ambiguous reference to column name "id"/);
    assert.match((await refused("select rowid from b.people")).message, /Column "rowid" does not exist/);
  });

  it("reaches for files, catalogs or the engine itself", async () => {
    for (const what of ["read_csv('/etc/passwd')", "duckdb_databases()", "glob('*')"])
      await because(`select * from b.people, ${what}`, "POLICY_DENIED", /Cannot use/);
    for (const what of ["nextval('s')", "current_setting('temp_directory')"])
      await because(`select ${what} from b.people`, "POLICY_DENIED", /Cannot use/);
    await because("select * from b.people, query_table('b.people')", "POLICY_DENIED", /query_table/);
    await because("select * from b.people, '/etc/passwd'", "INPUT_INVALID", /names no connection/);
  });

  it("needs columns that differ in case only", async () => {
    await because("select * from a.twins", "UNSUPPORTED", /differ from "Id" in case only/);
    assert.deepEqual(named(await plan("select x from a.twins"), "a.twins").columns, ["x"]);
  });
});

import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { Analysis, RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
export const { connect, diagnose } = driver;
export const absence = mariaDbAbsence();

const setup = `
create database other;
use other;
create table person (id int primary key, pin varchar(9));
create table hoard (id int primary key, gold int);
insert into person values (1, 'otherpin');
insert into hoard values (1, 77);
create view rich as select id, gold from hoard where gold > 5;
use guard;
create table person (id int primary key, name varchar(40), email varchar(80), note text, secret int, born date, pay decimal(10,2), kind enum('a','b'), raw varbinary(9), extra json);
create table Salary (person_id int primary key, amount int);
create table faint (id int primary key, ghost int invisible, name varchar(9));
create table parted (id int primary key, email varchar(20)) partition by range (id) (partition p0 values less than (10), partition p1 values less than maxvalue);
create table past (id int primary key, email varchar(20)) with system versioning;
insert into person values (1, 'Ada', 'secret1@hidden.example', 'n1', 41, '1815-12-10', 10.5, 'a', 'r', '{"e": "secret1"}'), (2, 'Bob', 'b@x', 'n2', 42, null, 20.5, 'b', null, null);
insert into Salary values (1, 1000);
insert into faint (id, ghost, name) values (1, 5, 'x');
insert into parted values (1, 'secret1'), (20, 'secret20');
insert into past values (1, 'secret-old');
update past set email = 'secret-new';
create table part (id int not null) engine = myisam;
create table merged (id int not null) engine = merge union = (part);
create view contact as select id, name, email, note from person;
create view wide as select * from person;
create view across as select p.name, h.gold from person p join other.hoard h on h.id = p.id;
create view mixed (nr, what) as select id, concat(name, ':', email) from person union all select person_id, 'x' from Salary;
create view swapped (email, id) as select id, email from person;
create view nested as with c as (select id, email as mail from contact) select c.id, c.mail, row_number() over (order by c.id) as n from c;
create function writer() returns int begin insert into Salary values (99, 1); return 1; end;
create function weigh(x text) returns int deterministic return 1;
create function squared(x int) returns int deterministic return x * x;
create function regexp_like(a text, b text) returns int begin insert into Salary values (98, 1); return 1; end;
create user limited@'%' identified by 'p@ss:w/rd é';
grant select on guard.* to limited@'%';
grant select on other.rich to limited@'%';
create user viewer@'%' identified by 'p@ss:w/rd é';
grant select, show view on guard.* to viewer@'%';
`;

let server: MariaDb;
let reader: Connection;

/** Starts a server with tables, views and functions of every kind for the tests of one file. */
export function withServer(): void {
  before(async () => {
    if (absence !== undefined) return;
    server = await startMariaDb();
    prepareServer(server, "guard");
    server.run(setup.replaceAll(/(create function [\s\S]*?end);/g, "delimiter $\n$1$\ndelimiter ;"));
    reader = await open();
  });
  after(async () => {
    await reader?.[Symbol.asyncDispose]();
    await server?.stop();
  });
}

/** A connection as the user who may read everything. */
export const connection = (): Connection => reader;

/** Runs SQL as root, past the driver. */
export const asRoot = (sql: string): void => void server.run(sql);

export const open = (user = "tide", readOnly = true, database = "guard") =>
  connect(mysqlTarget(server, database, user), { signal: never, readOnly });

export async function analysis(sql: string, on = reader): Promise<Analysis> {
  const [statement, ...others] = await on.analyze(sql);
  assert.ok(statement?.analysis !== undefined && others.length === 0);
  return statement.analysis;
}

export const reached = ({ columns }: Analysis): string[] =>
  columns.map(({ schema, table, column }) => `${schema}.${table}.${column}`).sort();

export async function rows(sql: string, restrictions: readonly RelationRestriction[] = [], on = reader): Promise<Value[][]> {
  await using stream = await on.query(sql, [], { signal: never, batchSize: 100, restrictions });
  const found: Value[][] = [];
  for await (const { length, columns } of stream)
    for (let row = 0; row < length; row++) found.push(columns.map((column) => column[row] ?? null));
  return found;
}

export const restrict = (name: string, parts: Partial<RelationRestriction>, schema = "guard"): RelationRestriction => ({
  schema,
  name,
  hidden: [],
  masks: [],
  where: [],
  values: {},
  ...parts,
});
export const masked = restrict("person", { masks: [{ column: "email", form: "redact" }] });

export async function refusedAs(working: Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await rejection(working);
  assert.match(`${diagnose(error)?.message} ${diagnose(error)?.hint}`, pattern);
}

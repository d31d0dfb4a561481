import type { Variant } from "./harness.ts";

/** What no caller but root may ever see: parts of values that the worlds hold in denied, hidden, masked or filtered places. */
export const canary = /777\d{3}|zq-\d|hidden\.example|masked\.test|\+49-|\+351|canary|19[34]\d-/;

const count = { first: 12, second: 14, gone: 0 };

/** Tables and rows in SQL that DuckDB and SQLite share. */
export function shopSql(variant: Variant): string[] {
  const [second, gone] = [variant === "second", variant === "gone"];
  const ssn = (id: number) => (gone ? "" : `, ${second ? `'zq-${id * 31}'` : id === 3 ? "null" : `'zq-${id}'`}`);
  const email = (id: number) => (second ? (id % 4 === 0 ? "null" : `'x${id * 7}@masked.test'`) : `'secret${id}@hidden.example'`);
  const phone = (id: number) => (second ? `'+351-${id * 3}'` : id === 5 ? "null" : `'+49-${id}'`);
  const born = (id: number) => (second ? `'1948-0${(id % 9) + 1}-01'` : `'193${id % 10}-02-03'`);
  const people = Array.from({ length: 12 }, (_, at) => at + 1).map(
    (id) =>
      `(${id}, 'name${id}', ${email(id)}, ${phone(id)}, ${born(id)}, '${["EU", "US", "APAC"][id % 3]}', ${id === 1 ? "null" : Math.ceil(id / 3)}, ${id}.5${ssn(id)})`,
  );
  const foreign = gone ? 0 : second ? 5 : 8;
  const accounts = [
    ...Array.from({ length: 4 }, (_, at) => `(${at + 1}, ${at + 1}, 'eu-${at}', ${at * 10}.25, 'EU')`),
    ...Array.from(
      { length: foreign },
      (_, at) => `(${at + 100}, ${at + 1}, 'canary-${at * (second ? 17 : 1)}', ${777000 + at * (second ? 3 : 1)}.5, 'US')`,
    ),
  ];
  const purchases = Array.from(
    { length: 30 },
    (_, at) =>
      `(${at + 1}, ${(at % 12) + 1}, ${(at % 7) * 1.5}, '2026-0${(at % 9) + 1}-1${at % 9}', '${["pen", "desk", "lamp", "it''s"][at % 4]}')`,
  );
  const salaries = Array.from({ length: count[variant] }, (_, at) => `(${at + 1}, ${777000 + at * (second ? 5 : 1)})`);
  return [
    `create table person (id integer primary key, name varchar(40), email varchar(80), phone varchar(20), born date, region varchar(10), boss_id integer, score double${gone ? "" : ", ssn varchar(20)"})`,
    `insert into person values ${people.join(", ")}`,
    "create table purchase (id integer primary key, person_id integer, total decimal(10,2), placed date, item varchar(20))",
    `insert into purchase values ${purchases.join(", ")}`,
    "create table account (id integer primary key, person_id integer, label varchar(20), amount decimal(12,2), region varchar(10))",
    `insert into account values ${accounts.join(", ")}`,
    "create table event (id integer primary key, kind varchar(10), happened timestamp, note varchar(40))",
    `insert into event values ${Array.from({ length: 200 }, (_, at) => `(${at}, '${["click", "view", "buy"][at % 3]}', '2026-01-01 ${String(at % 24).padStart(2, "0")}:00:00', ${at % 5 === 0 ? "null" : `'note ${at}'`})`).join(", ")}`,
    "create view contact as select id, name, email as mail from person",
    "create view reach as select id, mail from contact where mail is not null",
    "create view spent as select person_id, sum(total) as total, count(*) as times from purchase group by person_id",
    "create view busy as select p.id, p.name, s.total from person p join spent s on s.person_id = p.id",
    "create view direct as select id, email as mail, region from main.person",
    "create view served as select p.id, u.item, p.email from person p join purchase u on u.person_id = p.id",
    "create table visit (id integer primary key, person_id integer, what varchar(20))",
    `insert into visit values ${Array.from({ length: 12 }, (_, at) => `(${at + 1}, ${at + 1}, '${at % 3 === 2 ? `seen ${at}` : `canary ${second ? at * 3 : at}`}')`).join(", ")}`,
    "create view balance as select region, count(*) as n, sum(amount) as amount from account group by region",
    ...(gone
      ? []
      : [
          "create table salary (person_id integer primary key, amount integer)",
          `insert into salary values ${salaries.join(", ")}`,
          "create view pay as select person_id, amount from salary",
          "create view rich as select p.id, p.name from person p where p.id in (select person_id from salary where amount > 777005)",
          "create view papers as select id, name, ssn as paper from person",
        ]),
  ];
}

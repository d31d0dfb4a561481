import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import type { PostgresServer } from "../support/services-postgres.ts";
import type { GuardedEngine, Variant } from "./harness.ts";
import { salesSql } from "./postgres-sales.ts";
import { serverEngine } from "./server-engine.ts";
import { shopSql } from "./shop.ts";

/** What only PostgreSQL has: schemas, functions, operators, inheritance, partitions, materialised views, nested types. */
function ownSql(variant: Variant): string[] {
  const second = variant === "second";
  return [
    "create extension if not exists dblink",
    "create extension if not exists tablefunc",
    "create sequence ticket",
    "create type mood as enum ('sad', 'happy')",
    "create type place as (city text, zip text)",
    "create table profile (id integer primary key, tags text[], home place, extra jsonb, mood mood, span int4range, secret jsonb)",
    `insert into profile select i, array['t' || i, 'x'], row('c' || i, '1' || i)::place, jsonb_build_object('k', i, 'l', jsonb_build_array(1, i)), 'happy', int4range(i, i + 5), jsonb_build_object('a', 'canary-${second ? 5 : 1}' || i, 'b', array[${second ? 7 : 1} * i]) from generate_series(0, 4) i`,
    "create table card (id integer primary key, owner text, number text, tail text generated always as (right(number, 4)) stored)",
    `insert into card (id, owner, number) select i, 'o' || i, '${second ? "canary-9" : "canary-4"}' || i from generate_series(1, 5) i`,
    `create table staff (id integer primary key, nick text, office text)`,
    `insert into staff values ${Array.from({ length: 6 }, (_, at) => `(${at + 1}, '${second ? "canary-77" : "canary-4"}${at}', 'EU')`).join(", ")}`,
    ...(variant === "gone" ? [] : [`insert into staff select i, 'canary-' || i, 'US' from generate_series(10, ${second ? 14 : 12}) i`]),
    `create view staffing as select id, nick, office, lower(nick) as low${variant === "gone" ? "" : ", length(nick) as n"} from staff`,
    "create view staffing_over as select id, nick, low from staffing where office is not null",
    "create materialized view staffing_copy as select id, nick from staffing",
    "create table measure (at date, place text, degrees numeric) partition by range (at)",
    "create table measure_25 partition of measure for values from ('2025-01-01') to ('2026-01-01')",
    "create table measure_26 partition of measure for values from ('2026-01-01') to ('2027-01-01')",
    "insert into measure select date '2025-11-01' + i * 10, 'p' || i % 3, i * 1.5 from generate_series(0, 20) i",
    'create table "Odd Name" ("select" integer, "delete" text, "two words" text, "quo""te" text)',
    `insert into "Odd Name" values (1, 'x', 'y', 'z')`,
    "create materialized view contact_copy as select id, name, email from person",
    "create index person_mail on person (lower(email))",
    "create function twice(x integer) returns integer language sql immutable as 'select x * 2'",
    "create function mail_of(p person) returns text language sql stable as 'select p.email'",
    "create function note(t text) returns text language plpgsql volatile as $$ begin insert into event values (nextval('ticket') + 1000, t); return t; end $$",
    "create function noted(t text) returns text language sql immutable as 'select note(t)'",
    "create operator ===> (leftarg = text, rightarg = text, function = shout)",
    "create cast (text as place) with function place_of(text)",
    "create aggregate gather(text) (sfunc = shout, stype = text)",
    "create view notes as select note('x') as t",
    "create domain tidy as text check (note(value) is not null)",
    ...salesSql,
    "create view masked_mails as select lower(email) as mail, length(email) as n from person",
    "analyze",
  ].flatMap((sql) =>
    sql.startsWith("create operator")
      ? ["create function shout(a text, b text) returns text language plpgsql as $$ begin perform note(a); return a || b; end $$", sql]
      : sql.startsWith("create cast")
        ? [
            "create function place_of(t text) returns place language plpgsql as $$ begin perform note(t); return row(t, t)::place; end $$",
            sql,
          ]
        : [sql],
  );
}

function deniedSql(variant: Variant): string[] {
  const second = variant === "second";
  if (variant === "gone") return [];
  return [
    "create function peek() returns bigint language sql stable as 'select max(amount) from salary'",
    "create function of_person(i integer) returns text language sql stable security definer as 'select ssn from person where id = i'",
    "create function wages() returns setof salary language sql stable as 'select * from salary'",
    "create function ask(q text) returns text language plpgsql stable as $$ declare r text; begin execute q into r; return r; end $$",
    "create table bonus () inherits (salary)",
    `insert into bonus values (99, ${second ? 777111 : 777222})`,
    "create materialized view pay_copy as select * from salary",
    "create table badge (id integer primary key, code text, mark text generated always as (upper(code)) stored)",
    `insert into badge (id, code) select i, 'canary-${second ? 5 : 6}' || i from generate_series(1, 4) i`,
    "create index badge_low on badge (lower(code)) where code <> 'canary-1'",
    "create schema hr",
    "create table hr.review (id integer, text varchar)",
    `insert into hr.review select i, 'canary-${second ? 3 : 2}' || i from generate_series(0, ${second ? 9 : 6}) i`,
    "create view reviewed as select id, text from hr.review",
    "create view hr.reviews as select * from hr.review",
    "create table hr.person (id integer, name varchar)",
    `insert into hr.person values (1, 'canary-${second ? 1 : 0}')`,
    "analyze",
  ];
}

/** Denials and masks on what only PostgreSQL has. */
export const postgresRules = `      - { schema: hr, access: none }
      - { table: [bonus, pay_copy], access: none }
      - { table: profile, column: secret, mask: redact }
      - { table: card, column: number, mask: redact }
      - { table: badge, column: code, access: none }
      - { table: staffing, column: [nick, low], mask: redact }
      - { table: staffing, column: n, access: none }
      - { table: staffing, where: "office = 'EU' and id in (select id from person)" }
`;

export function postgresEngine(server: PostgresServer): GuardedEngine {
  return serverEngine({
    name: "PostgreSQL",
    driver: createPostgresDriver(),
    target: (variant) => server.target(`shop_${variant}`),
    fill(variant) {
      server.psql(`create database shop_${variant}`);
      const shared = shopSql(variant).map((sql) => sql.replace("score double", "score double precision").replace("main.person", "person"));
      server.psql([...shared, ...ownSql(variant), ...deniedSql(variant)].join(";\n"), `shop_${variant}`);
    },
    state: [
      "select name, setting from pg_settings where name not like '%log_temp%' order by name",
      "select relname, relkind from pg_class where relpersistence = 't' order by 1",
      "select count(*) from pg_cursors",
    ],
  });
}

/** What a server holds beyond one session, and what statements can change of it. */
export function postgresState(server: PostgresServer, variant: Variant): string {
  const database = `shop_${variant}`;
  const tables = server
    .psql("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'hr') order by 1", database)
    .split("\n");
  const contents = tables.map(
    (table) => `select '${table.replaceAll("'", "''")}', md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from ${table} t`,
  );
  return server.psql(
    [
      ...contents,
      "select relname, relkind, relhasindex, relfilenode from pg_class where relnamespace in ('public'::regnamespace) or relpersistence = 't' order by 1",
      "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace order by 1",
      "select last_value, is_called from ticket",
      "select rolname, rolpassword, rolsuper from pg_authid order by 1",
      "select datname from pg_database order by 1",
      "select setdatabase, setrole, setconfig from pg_db_role_setting order by 1, 2",
      "select nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp' order by 1",
      "select slot_name from pg_replication_slots",
      "select count(*) from pg_largeobject_metadata",
      "select subname from pg_subscription",
      "select pubname from pg_publication",
      "select extname from pg_extension order by 1",
      "select evtname from pg_event_trigger",
      "select gid from pg_prepared_xacts",
      "select description from pg_description where objoid in (select oid from pg_class where relnamespace = 'public'::regnamespace)".replace(
        "objid, ",
        "",
      ),
      "select count(*) from pg_locks where locktype = 'advisory'",
      "select count(*) from pg_collation",
      "select name, setting from pg_file_settings where sourcefile like '%auto.conf' order by 1",
    ].join(";\n"),
    database,
  );
}

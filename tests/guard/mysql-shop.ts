import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createMysqlDriver } from "../../plugins/mysql/driver.ts";
import type { MariaDb } from "../support/services-mysql.ts";
import type { GuardedEngine, Variant } from "./harness.ts";
import { serverEngine } from "./server-engine.ts";
import { shopSql } from "./shop.ts";

/** What only MariaDB and MySQL have: other databases, stored functions, sequences, generated columns, JSON. */
function ownSql(variant: Variant, isMariaDb: boolean): string[] {
  const second = variant === "second";
  const rows = (count: number, row: (at: number) => string) => Array.from({ length: count }, (_, at) => `(${row(at + 1)})`).join(", ");
  return [
    ...(isMariaDb ? ["create sequence ticket"] : []),
    "create table profile (id integer primary key, mood enum('sad', 'happy'), tags set('a', 'b', 'c'), extra json, secret json, raw blob, flags bit(4))",
    `insert into profile values ${rows(5, (at) => `${at}, 'happy', 'a,b', json_object('k', ${at}, 'l', json_array(1, ${at})), json_object('a', 'canary-${second ? 5 : 1}${at}'), x'4142', b'101'`)}`,
    "create table card (id integer primary key, owner text, number varchar(20), tail varchar(4) as (right(number, 4)) stored)",
    `insert into card (id, owner, number) values ${rows(5, (at) => `${at}, 'o${at}', '${second ? "canary-9" : "canary-4"}${at}'`)}`,
    "create table token (id integer primary key, code varchar(20), start_ varchar(9) as (left(code, 8)) virtual, size int as (char_length(`code`)) stored, both_ varchar(30) as (concat(start_, '/', size)) virtual, pin varchar(20) invisible, pin_end varchar(9) as (right(pin, 3)) stored invisible, key codes (code), key starts (start_), key pins (pin, id))",
    `insert into token (id, code, pin) values ${rows(9, (at) => `${at}, 'canary-${second ? at * 7 : 90 - at}${second ? "x" : ""}', 'canary-${second ? at : 50 - at}'`)}`,
    `create table past (id integer primary key, secret varchar(20), code varchar(9) as (right(secret, 2)) stored)${isMariaDb ? " with system versioning" : ""}`,
    `insert into past (id, secret) values ${rows(4, (at) => `${at}, 'canary-${second ? at + 5 : at}'`)}`,
    `update past set secret = concat(secret, '${second ? "b" : "a"}')`,
    "create table mailing (address varchar(30) primary key, id integer not null, topic varchar(9), key topics (topic))",
    `insert into mailing values ${rows(9, (at) => `'${second ? "b" : "a"}${at % 2 === 0 ? at : 20 - at}@hidden.example', ${at}, 't${at % 2}'`)}`,
    `create view spendings as select person_id, count(*) as times, concat('canary-${second ? "b" : "a"}', sum(total)) as spent from purchase group by person_id`,
    "create view spenders as select p.name, s.spent, s.times from person p join spendings s on s.person_id = p.id",
    "create view codes as select id, start_, both_ from token",
    "create table article (id integer primary key, title varchar(50), body text, fulltext (title, body))",
    "insert into article values (1, 'first', 'the quick fox'), (2, 'second', 'the lazy dog'), (3, 'third', 'a quick dog')",
    "create table `odd name` (`select` integer, `delete` text, `two words` text, `quo``te` text)",
    "insert into `odd name` values (1, 'x', 'y', 'z')",
    "create function twice(x integer) returns integer deterministic return x * 2",
    `create function note(t text) returns text deterministic begin insert into event (id, kind) values (${isMariaDb ? "nextval(ticket) + 1000" : "1001"}, 'x'); return t; end`,
    "create procedure wipe() delete from event",
    "create view notes as select note('x') as t",
    "create view masked_mails as select lower(email) as mail, length(email) as n from person",
  ];
}

function deniedSql(variant: Variant): string[] {
  const second = variant === "second";
  // That the view is there is no secret.
  if (variant === "gone") return ["create view reviewed as select id, name as text from person where 1 = 0"];
  return [
    "create function peek() returns bigint reads sql data return (select max(amount) from salary)",
    "create function of_person(i integer) returns text reads sql data return (select ssn from person where id = i)",
    `create database hr_${variant}`,
    `create table hr_${variant}.review (id integer, text varchar(40))`,
    `insert into hr_${variant}.review values ${Array.from({ length: second ? 9 : 6 }, (_, at) => `(${at}, 'canary-${second ? 3 : 2}${at}')`).join(", ")}`,
    `create view reviewed as select id, text from hr_${variant}.review`,
    `create table hr_${variant}.person (id integer, name varchar(40))`,
    `insert into hr_${variant}.person values (1, 'canary-${second ? 1 : 0}')`,
  ];
}

/** Denials and masks on what only this engine has. */
export const mysqlRules = `      - { schema: "hr_*", access: none }
      - { table: profile, column: secret, mask: redact }
      - { table: card, column: number, mask: redact }
      - { table: token, column: code, mask: redact }
      - { table: token, column: pin, mask: redact }
      - { table: past, column: secret, mask: redact }
      - { table: mailing, column: address, mask: redact }
      - { table: spendings, column: spent, mask: redact }
      - { table: spendings, where: "person_id in (select id from person where region = 'EU')" }
      - { table: article, where: "id in (select id from profile where mood = 'happy' and id < 3)" }
      - { table: profile, column: mood, mask: { sql: "(select max(kind) from event where id = profile.id)" } }
`;

/** Spells a statement for the databases of a variant. */
export const mysqlSpelling = (sql: string, variant: Variant): string =>
  sql.replace(/\bmain\b/gi, `shop_${variant}`).replace(/\b(shop|hr)_at\b/g, `$1_${variant}`);

export function mysqlEngine(server: MariaDb): GuardedEngine {
  return serverEngine({
    name: server.brand,
    driver: createMysqlDriver(),
    target: (variant) => ({
      scheme: "mysql",
      location: `127.0.0.1:${server.port}/shop_${variant}`,
      options: {},
      user: "owner",
      password: { reveal: () => "open-sesame" },
    }),
    fill(variant) {
      const made = [
        ...shopSql(variant).map((sql) => sql.replace("main.person", "person")),
        ...ownSql(variant, server.brand === "MariaDB"),
        ...deniedSql(variant),
      ].map((sql) => `${sql} //`);
      server.run(
        [
          "delimiter //",
          `create database shop_${variant} //`,
          "create user if not exists owner@'%' identified by 'open-sesame' //",
          "grant all on *.* to owner@'%' with grant option //",
          `use shop_${variant} //`,
          ...made,
        ].join("\n"),
      );
    },
    state: [
      `select @@sql_mode, @@autocommit, @@foreign_key_checks, @@character_set_client, @@${server.brand === "MySQL" ? "max_execution_time" : "max_statement_time"}, @@sql_select_limit`,
      "select count(*) from event",
    ],
  });
}

/** What a server holds beyond one session, and what statements can change of it. */
export function mysqlState(server: MariaDb, variant: Variant): string {
  const schemas = `'shop_${variant}', 'hr_${variant}'`;
  const listed = `select concat('\`', table_schema, '\`.\`', table_name, '\`') from information_schema.tables where table_schema in (${schemas}) and table_type = 'BASE TABLE' order by 1`;
  const tables = server.run(listed).trim().split("\n");
  const state = server.run(
    [
      `checksum table ${tables.join(", ")}`,
      "select user, host, plugin from mysql.user order by 1, 2; select name from mysql.plugin; select name from mysql.func",
      ...(server.brand === "MySQL"
        ? ["select variable_name, variable_value from performance_schema.global_variables where variable_name not like 'gtid%' order by 1"]
        : [
            "select variable_name, global_value from information_schema.system_variables where variable_name not in ('TIMESTAMP', 'GTID_CURRENT_POS', 'GTID_BINLOG_POS', 'GTID_BINLOG_STATE', 'INNODB_BUFFER_POOL_SIZE', 'RAND_SEED1', 'RAND_SEED2') order by 1",
            `select next_not_cached_value from shop_${variant}.ticket`,
          ]),
      `select table_schema, table_name, table_type, table_comment from information_schema.tables where table_schema in (${schemas}) order by 1, 2`,
      `select schema_name from information_schema.schemata where schema_name not like 'shop\\_%' and schema_name not like 'hr\\_%' order by 1`,
      "select routine_name, sha2(routine_definition, 256) from information_schema.routines where routine_schema like 'shop%' order by 1, 2",
      "select table_name, index_name from information_schema.statistics where table_schema like 'shop%' order by 1, 2",
      "select trigger_name from information_schema.triggers; select event_name from information_schema.events",
    ].join(";\n"),
  );
  const files = [server.folder, join(server.folder, "data"), join(server.folder, "data", `shop_${variant}`)].map((folder) =>
    readdirSync(folder).filter((name) => !/^#|^(ib|aria_log|undo)|\.(pid|tmp)$|^(mysqld|MariaDB)/.test(name)),
  );
  return `${state}\n${files.map((names) => names.sort().join("\n")).join("\n")}`;
}

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createMysqlDriver } from "../../plugins/mysql/driver.ts";
import type { MariaDb } from "../support/services-mysql.ts";
import type { GuardedEngine, Variant } from "./harness.ts";
import { serverEngine } from "./server-engine.ts";
import { shopSql } from "./shop.ts";

/** What only MariaDB and MySQL have: other databases, stored functions, sequences, generated columns, JSON. */
function ownSql(variant: Variant): string[] {
  const second = variant === "second";
  const rows = (count: number, row: (at: number) => string) => Array.from({ length: count }, (_, at) => `(${row(at + 1)})`).join(", ");
  return [
    "create sequence ticket",
    "create table profile (id integer primary key, mood enum('sad', 'happy'), tags set('a', 'b', 'c'), extra json, secret json, raw blob, flags bit(4))",
    `insert into profile values ${rows(5, (at) => `${at}, 'happy', 'a,b', json_object('k', ${at}, 'l', json_array(1, ${at})), json_object('a', 'canary-${second ? 5 : 1}${at}'), x'4142', b'101'`)}`,
    "create table card (id integer primary key, owner text, number varchar(20), tail varchar(4) as (right(number, 4)) stored)",
    `insert into card (id, owner, number) values ${rows(5, (at) => `${at}, 'o${at}', '${second ? "canary-9" : "canary-4"}${at}'`)}`,
    "create table article (id integer primary key, title varchar(50), body text, fulltext (title, body))",
    "insert into article values (1, 'first', 'the quick fox'), (2, 'second', 'the lazy dog'), (3, 'third', 'a quick dog')",
    "create table `odd name` (`select` integer, `delete` text, `two words` text, `quo``te` text)",
    "insert into `odd name` values (1, 'x', 'y', 'z')",
    "create function twice(x integer) returns integer deterministic return x * 2",
    "create function note(t text) returns text begin insert into event (id, kind) values (nextval(ticket) + 1000, 'x'); return t; end",
    "create procedure wipe() delete from event",
    "create view notes as select note('x') as t",
    "create view masked_mails as select lower(email) as mail, length(email) as n from person",
  ];
}

function deniedSql(variant: Variant): string[] {
  const second = variant === "second";
  if (variant === "gone") return [];
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
`;

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
      const made = [...shopSql(variant).map((sql) => sql.replace("main.person", "person")), ...ownSql(variant), ...deniedSql(variant)].map(
        (sql) => `${sql} //`,
      );
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
      "select @@sql_mode, @@autocommit, @@foreign_key_checks, @@character_set_client, @@max_statement_time, @@sql_select_limit",
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
      `select table_schema, table_name, table_type, table_comment from information_schema.tables where table_schema in (${schemas}) order by 1, 2`,
      `select schema_name from information_schema.schemata where schema_name not like 'shop\\_%' and schema_name not like 'hr\\_%' order by 1`,
      "select routine_name, md5(routine_definition) from information_schema.routines where routine_schema like 'shop%' order by 1, 2",
      "select table_name, index_name from information_schema.statistics where table_schema like 'shop%' order by 1, 2",
      "select trigger_name from information_schema.triggers; select event_name from information_schema.events",
      "select user, host, plugin from mysql.user order by 1, 2; select name from mysql.plugin; select name from mysql.func",
      "select variable_name, global_value from information_schema.system_variables where variable_name not in ('TIMESTAMP', 'GTID_CURRENT_POS', 'GTID_BINLOG_POS', 'GTID_BINLOG_STATE', 'INNODB_BUFFER_POOL_SIZE', 'RAND_SEED1', 'RAND_SEED2') order by 1",
      `select next_not_cached_value from shop_${variant}.ticket`,
    ].join(";\n"),
  );
  const files = [server.folder, join(server.folder, "data"), join(server.folder, "data", `shop_${variant}`)].map((folder) =>
    readdirSync(folder).filter((name) => !/^#|^(ib|aria_log|undo)|\.(pid|tmp)$|^(mysqld|MariaDB)/.test(name)),
  );
  return `${state}\n${files.map((names) => names.sort().join("\n")).join("\n")}`;
}

import { DuckDBInstance } from "@duckdb/node-api";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import type { GuardedEngine, Variant } from "./harness.ts";
import { shopSql } from "./shop.ts";

/** What only DuckDB has: schemas, macros, types, nested values, generated columns. */
function ownSql(variant: Variant): string[] {
  const second = variant === "second";
  return [
    "create type mood as enum ('sad', 'happy')",
    "create sequence ticket",
    "create table profile (id integer primary key, tags varchar[], place struct(city varchar, zip varchar), extra json, mood mood, data map(varchar, integer), secret struct(a varchar, b integer), raw blob)",
    `insert into profile select i, ['t' || i, 'x'], {'city': 'c' || i, 'zip': '1' || i}, json_object('k', i, 'l', [1, i]), 'happy', map {'a': i}, {'a': 'canary-${second ? 5 : 1}' || i, 'b': i * ${second ? 7 : 1}}, 'r'::blob from range(5) t(i)`,
    "create table card (id integer, owner varchar, number varchar, tail varchar generated always as (right(number, 4)))",
    `insert into card (id, owner, number) select i, 'o' || i, '${second ? "canary-9" : "canary-4"}' || i from range(5) t(i)`,
    "create macro twice(x) as x * 2",
    "create macro people() as table select id, name from person",
    ...(variant === "gone"
      ? []
      : [
          "create macro peek() as (select max(amount) from salary)",
          "create macro wages() as table select * from salary",
          "create macro of_person(i) as (select ssn from person where id = i)",
          "create schema hr",
          "create table hr.review (id integer, text varchar)",
          `insert into hr.review select i, 'canary-${second ? 3 : 2}' || i from range(${second ? 9 : 6}) t(i)`,
          "create view hr.reviews as select * from hr.review",
          "create view texts as select id, text from hr.review",
          "create table hr.person (id integer, name varchar)",
          `insert into hr.person values (1, 'canary-${second ? 1 : 0}')`,
        ]),
  ];
}

/** Denials, masks and filters on what only DuckDB has. */
export const duckdbRules = `      - { schema: hr, access: none }
      - { table: profile, column: secret, mask: redact }
      - { table: card, column: number, mask: redact }
`;

export const duckdbEngine: GuardedEngine = {
  name: "DuckDB",
  unordered: true,
  driver: createDuckdbDriver,
  async fill(path, variant) {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    for (const sql of [...shopSql(variant), ...ownSql(variant), "checkpoint"]) await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  },
  state: [
    "select name, value from duckdb_settings() where name not like '%temp_directory%' order by name",
    "select name, value from duckdb_variables() order by name",
    "select table_name, temporary from duckdb_tables() order by all",
    "select view_name, temporary from duckdb_views() where not internal order by all",
    "select function_name from duckdb_functions() where not internal order by all",
    "select sequence_name, last_value from duckdb_sequences() order by all",
    "select database_name, path is null from duckdb_databases() order by all",
    "select name from duckdb_prepared_statements() order by all",
    "select count(*) from duckdb_logs()",
    "select current_schema(), current_database(), random() is null",
    "select count(*) from event",
  ],
};

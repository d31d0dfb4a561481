import { DatabaseSync } from "node:sqlite";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import type { GuardedEngine, Variant } from "./harness.ts";
import { shopSql } from "./shop.ts";

/** What only SQLite has: full-text and spatial tables, triggers, indexes on expressions, generated columns. */
function ownSql(variant: Variant): string[] {
  const second = variant === "second";
  const [from, to] = second ? [30, 36] : [40, 44];
  const rows = (count: number, row: (id: number) => string) => Array.from({ length: count }, (_, at) => `(${row(at + 1)})`).join(", ");
  return [
    "create virtual table article using fts5 (title, body)",
    "insert into article values ('first', 'the quick fox'), ('second', 'the lazy dog'), ('third', 'quick dog')",
    "create virtual table letter using fts5 (subject, body)",
    `insert into letter values ${rows(4, (id) => `'subject ${id}', 'canary ${second ? "beta" : "alpha"}${id} text'`)}`,
    "create virtual table shop_area using rtree (id, x0, x1, y0, y1)",
    "insert into shop_area values (1, 0, 1, 0, 1), (2, 2, 3, 2, 3), (3, 0, 9, 0, 9)",
    "create table card (id integer primary key, owner text, number text, tail text as (substr(number, -4)), head text generated always as (substr(number, 1, 9)) stored)",
    `insert into card (id, owner, number) values ${rows(5, (id) => `${id}, 'o${id}', 'canary-${second ? "9" : "4"}${id * 11}'`)}`,
    "create index person_mail on person (lower(email))",
    "create index person_born on person (born) where email > 's'",
    "create table audit_log (at text, what text)",
    "create trigger event_added after insert on event begin insert into audit_log values (new.at, new.kind); end",
    "create table without_id (code text primary key, label text) without rowid",
    "insert into without_id values ('a', 'A'), ('b', 'B')",
    'create table odd ("select" integer, [two words] text, `back` text, "quo""te" text, main text)',
    "insert into odd values (1, 'x', 'y', 'z', 'm')",
    ...(variant === "gone"
      ? []
      : [
          "create virtual table memo using fts5 (topic, text)",
          `insert into memo values ${rows(second ? 5 : 3, (id) => `'canary ${id}', 'canary words ${second ? "x" : "y"}${id}'`)}`,
          "create virtual table site using rtree (id, x0, x1)",
          `insert into site values ${rows(4, (id) => `${id}, ${from + id}, ${to + id}`)}`,
        ]),
    "analyze",
  ];
}

/** Denials and masks on what only SQLite has. */
export const sqliteRules = `      - { table: [memo, site], access: none }
      - { table: letter, column: body, mask: redact }
      - { table: card, column: number, mask: redact }
`;

export const sqliteEngine: GuardedEngine = {
  name: "SQLite",
  driver: () => createSqliteDriver({ log: () => undefined }),
  async fill(path, variant) {
    const database = new DatabaseSync(path);
    for (const sql of [...shopSql(variant), ...ownSql(variant)]) database.exec(sql);
    database.close();
  },
  state: [
    "pragma query_only",
    "pragma foreign_keys",
    "pragma busy_timeout",
    "pragma journal_mode",
    "pragma user_version",
    "pragma trusted_schema",
    "pragma recursive_triggers",
    "pragma cache_size",
    "pragma temp_store",
    "pragma short_column_names",
    "select type, name from sqlite_schema order by name",
    "select type, name from temp.sqlite_schema order by name",
    "select count(*) from event",
  ],
};

import { after, describe, it } from "node:test";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { type AnalyzerFixture, describeAnalyzer } from "../contract/analyzer.ts";
import { embeddedPostgres } from "../support/services-embedded.ts";
import { startPostgres } from "../support/services-postgres.ts";
import { dangerous, legitimate, masked, objects, refused } from "./postgres-analyzer-cases.ts";

const number = { part: "like (select max(amount)", reason: "the engine compares no number with like" };
const before = (version: number, ...parts: readonly string[]) =>
  parts.map((part) => ({ part, reason: `PostgreSQL ${version} brought it` }));

/** The oldest and the newest that the driver promises, and what each has or lacks. */
const majors: Readonly<Record<12 | 18, Partial<AnalyzerFixture> & Pick<AnalyzerFixture, "lacks" | "legitimate">>> = {
  12: {
    lacks: [
      number,
      ...before(13, "with ties", "gen_random_uuid"),
      ...before(14, "search depth", "cycle id", "string_to_table", "'a1.b'", "pg_current_xact_id", "lag(total, 1, 0)"),
    ],
    legitimate,
    refused: [
      ...refused,
      // Names of somebody's functions there, and words of the grammar that reads them here.
      "select json_value('{}', '$.a')",
      "select * from json_table('{}', '$' columns (a int path '$.a')) t",
      "select json_object('a': 1)",
      "select system_user",
    ],
  },
  18: {
    lacks: [number],
    legitimate: [
      ...legitimate,
      "select json_value('{\"a\": 1}', '$.a' returning int), json_query('{\"a\": [1]}', '$.a' with wrapper), json_exists('{\"a\": 1}', '$.a')",
      "select * from json_table('[{\"a\": 1, \"b\": [2, 3]}]', '$[*]' columns (n for ordinality, a int path '$.a', nested path '$.b[*]' columns (b int path '$'))) t",
      "select json_object('a': id, 'b': name absent on null), json_array(id, name), '{}' is json object from person order by id",
      "select json_objectagg(id: name), json_arrayagg(name order by id) from person",
      "select json_array(select id from person order by id), json_scalar(1), json_serialize('{}'), json('{}')",
      "select any_value(region order by id), array_sort(array[2, 1]), uuidv7() is not null, reverse('ab'::bytea) from person",
      "select 1_000, 0xFF, 0b11, 0o17",
    ],
    masked: [
      ...masked,
      "select json_array(email), json_object('e': email), json_objectagg(id: email) from person group by email",
      "select t.e from person, json_table(to_jsonb(person), '$' columns (e text path '$.email')) t",
      "select json_value(to_jsonb(p), '$.email') from person p",
    ],
  },
};

for (const major of [12, 18] as const) {
  const bin = embeddedPostgres(major);
  if (typeof bin !== "string") describe(`analyzer PostgreSQL ${major}`, () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
  else {
    const server = await startPostgres(bin);
    after(() => server.stop());
    server.psql("create database guard");
    server.psql(objects, "guard");
    describeAnalyzer({
      name: `PostgreSQL ${major}`,
      driver: createPostgresDriver(),
      target: server.target("guard"),
      fixture: { schema: "public", dangerous, refused, masked, ...majors[major] },
    });
  }
}

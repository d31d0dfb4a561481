import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { openWorld, policy, type World } from "./harness.ts";
import { describeLegitimate } from "./legitimate-suite.ts";
import { portableLegitimate, portableMasked } from "./portable-legitimate.ts";
import { analystMasked, analystQueries } from "./postgres-analyst.ts";
import { postgresLegitimate } from "./postgres-legitimate.ts";
import { salesRules, salesTables } from "./postgres-sales.ts";
import { postgresEngine, postgresRules } from "./postgres-shop.ts";

/** Functions of the other engines. */
const foreign = /\b(?:group_concat|round\(avg\(total\), 2\)$)/;
/** Where rows are filtered for the caller: what tells where a row is kept, and what was made from all of them. */
const unfiltered = /tableoid|sales\.monthly/;
const own = (sql: string): string => sql.replace(/\bmain\./g, "public.");

const catalogQueries = [
  "select table_schema, table_name, table_type from information_schema.tables where table_schema = 'sales' order by 1, 2",
  "select column_name, data_type, is_nullable from information_schema.columns where table_schema = 'sales' and table_name = 'customer' order by ordinal_position",
  "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'sales' and a.attnum > 0 order by 1, a.attnum",
  "select tc.table_name, kcu.column_name from information_schema.table_constraints tc join information_schema.key_column_usage kcu using (constraint_schema, constraint_name) where tc.constraint_type = 'PRIMARY KEY' and tc.table_schema = 'sales' order by 1, 2",
  "select tablename from pg_tables where schemaname = 'sales' order by 1",
  "select viewname from pg_catalog.pg_views where schemaname = 'sales' order by 1",
  "select e.enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid where t.typname = 'order_status' order by e.enumsortorder",
  "select 'sales.customer'::regclass::text, to_regclass('sales.nothing')",
  "select indexname from pg_indexes where schemaname = 'sales' order by 1",
  "select has_table_privilege('sales.customer', 'select')",
  "select datname from pg_database where datname = current_database()",
];

const bin = findPostgres();
if (typeof bin !== "string") describe("legitimate queries on PostgreSQL", () => it.skip(`needs a server: ${bin.absent}`, () => undefined));
else {
  const server = await startPostgres(bin);
  after(() => server.stop());
  const plain = [...portableLegitimate, ...postgresLegitimate, ...analystQueries].filter((sql) => !foreign.test(sql)).map(own);
  describeLegitimate(
    postgresEngine(server),
    { rules: postgresRules + salesRules, tables: `, profile, card, measure${salesTables}` },
    {
      plain: plain.filter((sql) => !unfiltered.test(sql)),
      unfiltered: plain.filter((sql) => unfiltered.test(sql)),
      masked: [...portableMasked, ...analystMasked].map(own),
    },
  );

  describe("the catalog of PostgreSQL, where rows are filtered and nothing is hidden", () => {
    let world: World;
    before(async () => {
      world = await openWorld(postgresEngine(server), policy(), "second");
    });
    after(() => world.close());
    it("tells names and types", async () => {
      for (const sql of catalogQueries) {
        const [all, kept] = [await world.ask(sql, "root"), await world.ask(sql, "keeper")];
        assert.ok(kept.answered, `${sql}: ${kept.text}`);
        assert.equal(kept.text, all.text);
      }
    });
    it("tells no values and no sizes", async () => {
      for (const sql of [
        "select reltuples from pg_class",
        "select * from information_schema.columns",
        "select definition from pg_views",
        "select most_common_vals from pg_stats",
        "select pg_get_expr(adbin, adrelid) from pg_attrdef",
        "select pg_relation_size('person')",
      ])
        assert.equal((await world.ask(sql, "keeper")).code, "POLICY_DENIED", sql);
    });
  });
}

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { CatalogColumn, CatalogObject } from "../../core/contract/catalog.ts";
import type { FederatedPlan, Federation } from "../../core/contract/driver.ts";
import { partSql } from "../../core/query/federate-sql.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";

const column = (name: string, type: CatalogColumn["type"], nativeType: string): CatalogColumn => ({
  name,
  type,
  nativeType,
  nullable: true,
});

const table = (name: string): CatalogObject => ({
  schema: "main",
  name,
  kind: "table",
  columns: [
    column("id", "int", "INTEGER"),
    column(`${name}_of`, "int", "INTEGER"),
    column("kind", "text", "VARCHAR"),
    column("price", "decimal", "DECIMAL(10,2)"),
    column("day", "date", "DATE"),
    column("made", "timestamp", "TIMESTAMP"),
  ],
});

const tables: Readonly<Record<string, CatalogObject>> = { "a.x": table("x"), "b.y": table("y"), "a.z": table("z") };

const federation: Federation = {
  connections: ["a", "b"],
  params: [],
  signal: new AbortController().signal,
  strict: () => true,
  async table(connection, path) {
    const found = tables[`${connection}.${path.join(".")}`];
    assert.ok(found, `${connection}.${path.join(".")}`);
    return found;
  },
};

/** Numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function statements(next: (below: number) => number): string {
  const pick = <Item>(items: readonly Item[]): Item => items[next(items.length)] as Item;
  const values: Readonly<Record<string, () => string>> = {
    id: () => String(next(6)),
    kind: () => pick(["'u'", "'v'", "'it''s'"]),
    price: () => pick(["1", "2.50", "-0.5"]),
    day: () => pick(["'2024-01-01'", "date '2024-02-29'"]),
    made: () => pick(["'2024-01-01'", "'2024-02-29 12:00'", "timestamp '2024-01-01 00:00:00'"]),
  };
  const condition = (alias: string): string => {
    if (next(5) === 0) return `${alias}.${pick(["kind", "id", "price"])} is null`;
    const name = pick(Object.keys(values));
    const value = values[name] ?? (() => "0");
    const full = pick([`${alias}.${name}`, `${alias}.${name}`, name]);
    return pick([
      () => `${full} ${pick(["=", "<", "<=", ">", ">=", "<>"])} ${value()}`,
      () => `${value()} ${pick(["=", "<", ">="])} ${full}`,
      () => `${full} in (${value()}, ${value()})`,
      () => `${full} between ${value()} and ${value()}`,
      () => `${full} is null`,
      () => `${full} is not null`,
      () => `(${full} = ${value()} or ${full} is null)`,
      () => `not (${full} = ${value()})`,
    ])();
  };
  const conditions = (aliases: readonly string[]): string => {
    const list = Array.from({ length: pick([1, 1, 2]) }, () => condition(pick(aliases)));
    return list.join(" and ");
  };
  // Mostly another table for each alias: of one that is named twice only what both places want may be left out.
  const source = (alias: string): string => {
    const own = { s: "a.x", t: "b.y", u: "a.z" }[alias] ?? "a.x";
    const inner = `(select * from ${own} where ${conditions([own.slice(2)])})`;
    return `${pick([own, own, own, own, own, inner, "a.z"])} ${alias}`;
  };
  const join = (aliases: readonly string[], alias: string): string => {
    const on = `on ${pick(aliases)}.id = ${alias}.id${pick(["", ` and ${conditions([...aliases, alias])}`])}`;
    const sort = pick([
      "join",
      "left join",
      "right join",
      "full join",
      "semi join",
      "anti join",
      "natural left join",
      "cross join",
      "asof join",
      "using",
    ]);
    if (sort === "natural left join" || sort === "cross join") return `${sort} ${source(alias)}`;
    if (sort === "asof join") return `asof ${pick(["", "left "])}join ${source(alias)} on ${pick(aliases)}.id >= ${alias}.id`;
    return sort === "using" ? `${pick(["", "full ", "left "])}join ${source(alias)} using (id)` : `${sort} ${source(alias)} ${on}`;
  };
  const select = (): string => {
    const aliases = ["s", "t", "u"].slice(0, next(3) + 1);
    const joined = aliases.slice(1).map((alias, at) => join(aliases.slice(0, at + 1), alias));
    const list = pick(["*", "s.*", "count(*)", "s.id, s.kind", "s", "* exclude (kind)", "max(s.price), min(s.day)", "columns('i.*')"]);
    return `select ${list} from ${[source("s"), ...joined].join(" ")} where ${conditions(aliases)}`;
  };
  return pick([
    select,
    select,
    () => `with c as (${select()}) select count(*) from c where exists (select 1 from a.x where ${conditions(["x"])})`,
    () => `select count(*) from (${select()}) union all select count(*) from (${select()})`,
  ])();
}

describe("a statement taken apart", () => {
  let engine: DuckDBConnection;
  before(async () => {
    engine = await (await DuckDBInstance.create(":memory:")).connect();
    for (const database of ["whole", "pieces"])
      await engine.run(`attach ':memory:' as ${database}; create schema ${database}.a; create schema ${database}.b`);
    const next = numbers(7);
    for (const [place, { name }] of Object.entries(tables)) {
      await engine.run(`create table whole.${place} (id int, ${name}_of int, kind varchar, price decimal(10,2), day date, made timestamp)`);
      const cell = (...all: readonly string[]) => all[next(all.length)];
      for (let row = 0; row < 24; row++) {
        const cells = [
          cell("0", "1", "2", "3", "4", "5", "null"),
          cell("1", "2", "null"),
          cell("'u'", "'v'", "'U'", "'it''s'", "''", "null"),
          cell("1", "2.5", "-0.5", "1.01", "null"),
          cell("'2024-01-01'", "'2024-02-29'", "'1999-12-31'", "null"),
          cell("'2024-01-01'", "'2024-01-01 00:00:00.000001'", "'2024-02-29 12:00'", "null"),
        ];
        await engine.run(`insert into whole.${place} values (${cells.join(", ")})`);
      }
    }
  });
  after(() => engine.closeSync());

  const answer = async (database: string, sql: string): Promise<string> => {
    await engine.run(`use ${database}`);
    const rows = (await engine.runAndReadAll(sql)).getRowsJson();
    return rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join("\n");
  };
  const land = async (plan: FederatedPlan): Promise<void> => {
    for (const part of plan.parts) {
      const [schema, name] = part.name;
      const from = `whole.${part.connection}.${part.table.name}`;
      await engine.run(`create or replace table pieces.${schema}.${name} as ${partSql(part, from, '"')}`);
    }
  };

  it("answers over its parts what it answers over whole tables, whatever it joins and filters", async () => {
    const driver = createDuckdbDriver();
    const next = numbers(20_261_121);
    let compared = 0;
    let pushed = 0;
    for (let count = 0; count < 200; count++) {
      const sql = statements(next);
      const expected = await answer("whole", sql).catch(() => undefined);
      // Ambiguous names and the like: neither may run.
      if (expected === undefined) continue;
      const plan = await driver.federate?.(sql, federation);
      assert.ok(plan, sql);
      await land(plan);
      assert.equal(
        await answer("pieces", plan.sql),
        expected,
        `${sql}\n${JSON.stringify(plan.parts.map(({ where, name }) => ({ name, where })))}`,
      );
      compared++;
      pushed += plan.parts.reduce((sum, { where }) => sum + where.length, 0);
    }
    assert.ok(compared > 100, `compared ${compared}`);
    assert.ok(pushed > 100, `pushed ${pushed}`);
  });
});

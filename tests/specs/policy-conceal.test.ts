import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CatalogObject } from "../../core/contract/catalog.ts";
import { conceal } from "../../core/policy/roles/conceal.ts";

const object = (name: string, ...columns: string[]): CatalogObject => ({
  schema: "main",
  name,
  kind: "table",
  columns: columns.map((column) => ({ name: column, type: "text", nativeType: "text", nullable: true })),
});
const visible = [object("person", "id", "name"), object("Order Item", "id")];

describe("what is told of a name that is not open", () => {
  const named: readonly (readonly [string, string])[] = [
    ["select * from salary", "salary"],
    ["select * from SALARY", "salary"],
    ['select * from "Salary"', "salary"],
    ["select * from `salary`", "salary"],
    ["select * from main.salary", "salary"],
    ["select * from person, salary", "salary"],
    ["select * from person p, salary s", "salary"],
    ["select * from person as p join salary on true", "salary"],
    ["select nope from person p left join other.salary s on s.id = p.id", "salary"],
    ["select * from (person), salary", "salary"],
    ["select id from person where id in (select id from salary)", "salary"],
    ["select id from person union select id from salary", "salary"],
    ["with x as (select 1) select * from x, salary", "salary"],
    ["select * from generate_series(1, 2) g, salary", "salary"],
    ["select 1 /* from a */ from salary -- from b", "salary"],
    ["select 'from a' from salary", "salary"],
    ["insert into salary (a) values (1)", "salary"],
    ["update salary set a = 1", "salary"],
    ["delete from salary", "salary"],
  ];
  for (const [sql, name] of named) {
    it(`names what the text reads from: ${sql}`, () => {
      const { told, namesOther } = conceal(sql, visible);
      assert.equal(told.message, `No table or view "${name}" is open to you`);
      assert.equal(namesOther, true);
    });
  }

  const unnamed = [
    "select nope from person",
    'select nope from "Order Item"',
    "with x as (select 1) select * from x",
    "select extract(year from name) from person",
    "select",
    "",
  ];
  for (const sql of unnamed) {
    it(`does not say what when all it reads from is open: ${sql}`, () => {
      const { told, namesOther } = conceal(sql, visible);
      assert.match(told.message, /names a column, table or view/);
      assert.equal(namesOther, false);
    });
  }

  it("suggests names that are open, and columns of what was read", () => {
    assert.equal(conceal("select * from persom", visible).told.hint, 'Did you mean "person"?');
    assert.equal(conceal("select nope from person", visible).told.hint, "Use what is open to you: person(id, name)");
    assert.equal(conceal("select * from zzz", visible).told.hint, "Look at what is with inspect");
  });

  it("has one code for all", () => {
    for (const sql of [...named.map(([text]) => text), ...unnamed]) assert.equal(conceal(sql, visible).told.code, "NOT_FOUND");
  });
});

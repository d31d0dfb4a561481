import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { qualifiedName } from "../../core/catalog/name.ts";
import { findObject, nearNames, suggest } from "../../core/catalog/resolve.ts";
import { quoteIdentifier } from "../../core/sql/quote.ts";
import { table } from "../support/catalogs.ts";

const objects = [
  table("customers", ["id", "email"], { schema: "main" }),
  table("orders", ["id", "total"], { schema: "main" }),
  table("Orders", ["id"], { schema: "legacy" }),
  table("items", ["order_id"], { schema: "legacy" }),
  table("items", ["sku"], { schema: "stock" }),
  table("odd.name", ["x y"], { schema: "main" }),
  table("loose", ["a"]),
];
const found = (text: string, defaultSchema?: string) => {
  const { schema, name } = findObject(objects, text, defaultSchema);
  return schema === undefined ? name : `${schema}/${name}`;
};

describe("finding an object by its name", () => {
  it("takes qualified, unqualified and quoted names, in any case when only one fits", () => {
    assert.equal(found("customers"), "main/customers");
    assert.equal(found(" MAIN.Customers "), "main/customers");
    assert.equal(found('"legacy"."items"'), "legacy/items");
    assert.equal(found("`stock`.items"), "stock/items");
    assert.equal(found("[legacy].[Orders]"), "legacy/Orders");
    assert.equal(found("loose"), "loose");
    assert.equal(found("main.loose", "main"), "loose");
  });

  it("prefers the case as written, then the default schema", () => {
    assert.equal(found("Orders"), "legacy/Orders");
    assert.equal(found("orders"), "main/orders");
    assert.equal(found("items", "stock"), "stock/items");
  });

  it("finds names that hold dots, quoted or not", () => {
    for (const text of ["odd.name", '"odd.name"', 'main."odd.name"', "main.odd.name"]) assert.equal(found(text), "main/odd.name");
  });

  it("finds every name as SQL quotes it and as listings write it", () => {
    const part = fc.oneof(
      fc.constantFrom('a"b', "a\nb", "a\\b", "[x]", "``", ".", " lead", "😀"),
      fc.string({ minLength: 1, maxLength: 6 }),
    );
    fc.assert(
      fc.property(part, part, (schema, name) => {
        const wanted = table(name, [], { schema });
        const among = [table("other", [], { schema }), wanted];
        fc.pre(name !== "other");
        assert.equal(findObject(among, qualifiedName(wanted)), wanted);
        for (const quote of ['"', "`", "["]) {
          if (`${schema}${name}`.includes("\0")) continue;
          assert.equal(findObject(among, `${quoteIdentifier(schema, quote)}.${quoteIdentifier(name, quote)}`), wanted);
        }
      }),
    );
  });

  it("names the choices when there are several", () => {
    assert.throws(() => found("items"), {
      code: "INPUT_INVALID",
      message: 'Name "items" means more than one object: "legacy.items", "stock.items"',
      hint: 'Write "legacy.items" or "stock.items"',
    });
    assert.throws(() => found("ORDERS"), { code: "INPUT_INVALID" });
  });

  it("takes the table when a routine has the same name", () => {
    const both = [table("t", [], { kind: "routine", schema: "s" }), table("t", ["a"], { schema: "s" })];
    assert.equal(findObject(both, "t").kind, "table");
  });

  it("suggests near names for one that is not there", () => {
    assert.throws(() => found("custmers"), {
      code: "NOT_FOUND",
      message: 'No table or view is called "custmers"',
      hint: 'Did you mean "main.customers"?',
    });
    assert.throws(() => found("custmers", "main"), { hint: 'Did you mean "customers"?' });
    assert.throws(() => found("zzz"), { hint: "List the objects to see what there is" });
    assert.throws(() => found(""), { code: "NOT_FOUND" });
  });
});

describe("names near one that an engine could not find", () => {
  it("are tables, and columns with their table", () => {
    assert.equal(suggest(objects, { missing: "custmers" }, "main"), 'Did you mean "customers"?');
    assert.equal(suggest(objects, { missing: "emial" }, "main"), 'Did you mean "customers.email"?');
    assert.equal(suggest(objects, { missing: "main.odrers" }, "main"), 'Did you mean "orders" or "legacy.Orders"?');
    assert.equal(suggest(objects, { missing: "qqqqqq" }), undefined);
  });

  it("are that table's columns when the engine named the table", () => {
    assert.deepEqual(nearNames(objects, { missing: "orders.totl" }, "main"), ["orders.total"]);
    assert.deepEqual(nearNames(objects, { missing: "items.order_di" }), ["legacy.items.order_id"]);
  });

  it("are no columns for a missing table, and no tables for a missing column", () => {
    const shop = [table("orders", ["id"]), table("monthly", ["orders", "order"])];
    assert.deepEqual(nearNames(shop, { missing: "ordrs", missingKind: "object" }), ["orders"]);
    assert.deepEqual(nearNames(shop, { missing: "ordrs", missingKind: "column" }), ["monthly.orders"]);
    assert.deepEqual(nearNames(shop, { missing: "main.ordrs", missingKind: "object" }), ["orders"]);
    assert.equal(suggest([table("monthly", ["orders"])], { missing: "ordrs", missingKind: "object" }), undefined);
  });

  it("point to the other schema a name is in, and quote odd names", () => {
    assert.equal(suggest(objects, { missing: "items" }, "main"), 'Did you mean "legacy.items" or "stock.items"?');
    assert.deepEqual(nearNames(objects, { missing: "odd_name" }, "main"), ['"odd.name"']);
  });
});

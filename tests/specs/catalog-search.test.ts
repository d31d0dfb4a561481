import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeHits } from "../../core/catalog/encode.ts";
import { search } from "../../core/catalog/search.ts";
import { column, table } from "../support/catalogs.ts";

const shop = [
  table("audit", ["id", "reorder_reason", "at"]),
  table("backorders", ["id"]),
  table("customer_orders", ["id", "customerEmail"]),
  table("customers", ["id", "e_mail", "country"], { comment: "People who placed an order" }),
  table("order", ["id", "customer_id"]),
  table("orders_2024", ["id", "total"]),
  table("shipments", ["id"], { columns: [{ ...column("eta", ["date", "date"]), comment: "When the ORDER arrives" }] }),
];
const names = (words: string) => search(shop, words).map((hit) => hit.object.name);

describe("catalog search", () => {
  it("ranks exact names, prefixes, parts of names, any place in a name, then comments; tables before columns", () => {
    assert.deepEqual(names("order"), ["order", "orders_2024", "customer_orders", "backorders", "audit", "customers", "shipments"]);
  });

  it("says which columns matched, by name or by comment", () => {
    const columns = Object.fromEntries(search(shop, "order").map((hit) => [hit.object.name, hit.columns]));
    assert.deepEqual(columns.audit, ["reorder_reason"]);
    assert.deepEqual(columns.shipments, ["eta"]);
    assert.deepEqual(columns.order, []);
    assert.deepEqual(
      search(shop, "id customer").map((hit) => hit.columns),
      [["id"], ["id", "customerEmail"], ["id", "customer_id"]],
    );
  });

  it("finds camelCase by snake_case and the other way round", () => {
    assert.deepEqual(names("customer_email"), ["customer_orders"]);
    assert.deepEqual(search(shop, "customerId"), [{ object: shop[4], columns: ["customer_id"] }]);
    assert.deepEqual(names("email"), ["customer_orders"]);
  });

  it("keeps the objects that match most of the words", () => {
    assert.deepEqual(names("customer country"), ["customers"]);
    assert.deepEqual(names("country total"), ["customers", "orders_2024"]);
    assert.deepEqual(names("country nothing-like-it"), ["customers"]);
  });

  it("reads words with % as LIKE patterns over whole names, and _ as itself first", () => {
    assert.deepEqual(names("%order"), ["order"]);
    assert.deepEqual(names("%ORDERS%"), ["backorders", "orders_2024", "customer_orders"]);
    assert.deepEqual(names("orders______"), []);
    assert.deepEqual(names("orders_____"), ["orders_2024"]);
    assert.deepEqual(names("order_%"), ["orders_2024"]);
    assert.deepEqual(
      search(shop, "%_id").map((hit) => hit.columns),
      [["customer_id"]],
    );
  });

  it("finds the singular of a plural, and near misses only where nothing else matches", () => {
    assert.deepEqual(names("shipment"), ["shipments"]);
    assert.deepEqual(search(shop, "totals")[0]?.columns, ["total"]);
    assert.deepEqual(names("shipmnets"), ["shipments"]);
    assert.deepEqual(names("contry"), ["customers"]);
    assert.deepEqual(names("cutsomer"), ["customers", "customer_orders", "order"]);
    assert.deepEqual(names("zzzzzz"), []);
  });

  it("finds qualified names, and nothing for nothing", () => {
    const two = [table("t", ["a"], { schema: "old" }), table("t", ["a"], { schema: "new" })];
    assert.deepEqual(
      search(two, "new.t").map((hit) => hit.object.schema),
      ["new"],
    );
    assert.deepEqual(search(two, "  "), []);
    assert.deepEqual(search([], "t"), []);
  });

  it("keeps the order of equals", () => {
    const same = ["c", "a", "b"].map((schema) => table("t", [], { schema }));
    assert.deepEqual(
      search(same, "t").map((hit) => hit.object.schema),
      ["c", "a", "b"],
    );
  });

  it("answers at once to patterns that make backtracking matchers hang", () => {
    const long = table("a".repeat(2000), ["a".repeat(2000)]);
    assert.deepEqual(search([long], `${"%a".repeat(60)}%b`), []);
  });

  it("writes hits with their matching columns, and says where there are others", () => {
    const text = encodeHits(search(shop, "customer"), { detail: "columns" });
    assert.equal(text, "customers\ncustomer_orders: customerEmail:text,…\norder: customer_id:text,…");
  });
});

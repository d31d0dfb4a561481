import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compact } from "../../core/catalog/compact.ts";
import { encode } from "../../core/catalog/encode.ts";
import { createInspect } from "../../core/catalog/inspect.ts";
import { findObject, suggest } from "../../core/catalog/resolve.ts";
import type { CatalogObject, ObjectKind } from "../../core/contract/catalog.ts";
import type { InspectInput } from "../../core/contract/tool.ts";

const column = { name: "id", type: "int", nativeType: "integer", nullable: false } as const;
const table: CatalogObject = {
  schema: "public",
  name: "orders",
  kind: "table",
  columns: [column],
  estimatedRows: 1200,
  bytes: 64_000,
  rowSecurity: true,
};
const part: CatalogObject = {
  schema: "public",
  name: "orders_2024",
  kind: "table",
  columns: [column],
  partitionOf: { schema: "public", name: "orders" },
};
const add: CatalogObject = {
  schema: "public",
  name: "add",
  kind: "routine",
  signature: "(a integer,\n b integer) returns integer",
  definition: "CREATE FUNCTION add\n  body\u202e",
};
const mood: CatalogObject = { schema: "public", name: "mood", kind: "type", values: ["calm", "it's odd"] };
const domain: CatalogObject = {
  schema: "public",
  name: "positive",
  kind: "type",
  columns: [{ ...column, name: "value" }],
  checks: ["CHECK (VALUE > 0)"],
};
const counter: CatalogObject = { schema: "public", name: "counter", kind: "sequence" };
const gis: CatalogObject = { schema: "public", name: "postgis", kind: "extension", version: "3.3.2" };
const view: CatalogObject = {
  schema: "public",
  name: "cheap",
  kind: "view",
  columns: [column],
  definition: "CREATE VIEW cheap AS\n SELECT 1",
};
const all = [add, view, counter, mood, table, part, domain, gis];
const schema = { defaultSchema: "public" };

describe("a catalog with more than tables", () => {
  it("says in a line what each thing is", () => {
    assert.deepEqual(compact(all, { detail: "columns", ...schema }).split("\n"), [
      "add(routine): (a integer, b integer) returns integer",
      "cheap(view): id:int*NN",
      "counter(sequence)",
      'mood(type): calm|"it\'s odd"',
      "orders(~1.2k rls): id:int*NN",
      "orders_2024(part of orders): id:int*NN",
      "positive(type): value:int*NN",
      "postgis(extension 3.3.2)",
    ]);
    assert.equal(compact([table], { detail: "full", ...schema }), "orders(~1.2k ~64kB rls): id:int*NN");
    assert.equal(compact([add, mood, gis], { detail: "names", ...schema }), "add(routine)\nmood(type)\npostgis(extension 3.3.2)");
  });

  it("cuts a long list of values, unless all of it was asked for", () => {
    const many = { ...mood, values: Array.from({ length: 100 }, (_, index) => `v${index}`) };
    assert.match(compact([many], { detail: "columns" }), /\|v29\|…$/);
    assert.match(compact([many], { detail: "full" }), /\|v99$/);
  });

  it("draws them in the tree, writes statements for them, and leaves them out of a diagram", () => {
    const tree = encode(all, "tree", { detail: "columns" });
    assert.match(tree, /add \(a integer, b integer\) returns integer {2}routine/);
    assert.match(tree, /mood {2}type {2}\(calm, it's odd\)/);
    assert.match(tree, /orders {2}table {2}~1\.2k rows {2}~64kB {2}row security/);
    assert.match(tree, /orders_2024 {2}table {2}partition of orders/);
    const ddl = encode([mood, gis, add, counter], "ddl", { detail: "full", ...schema });
    assert.match(ddl, /^CREATE TYPE "mood" AS ENUM \('calm', 'it''s odd'\);/);
    assert.match(ddl, /CREATE EXTENSION "postgis";/);
    assert.match(ddl, /CREATE FUNCTION add\n {2}body/);
    assert.match(ddl, /-- sequence public\.counter: the engine keeps no statement/);
    assert.doesNotMatch(encode(all, "mermaid", { detail: "columns" }), /add|mood|counter|postgis/);
  });

  it("suggests only what has rows for a table that an engine missed, and anything for a name that is looked up", () => {
    assert.equal(suggest(all, { missing: "postgi", missingKind: "object" }), undefined);
    assert.match(suggest(all, { missing: "order", missingKind: "object" }) ?? "", /orders/);
    assert.throws(() => findObject(all, "postgi", "public"), { hint: 'Did you mean "postgis"?' });
    assert.equal(findObject(all, "postgis", "public").kind, "extension");
  });
});

describe("inspect", () => {
  const inspect = (objects: readonly CatalogObject[], input: InspectInput) =>
    createInspect({
      catalogs: {
        read: async (_, { object }) =>
          objects.filter(({ name, schema }) => object === undefined || (name === object.name && schema === object.schema)),
      },
      connections: {
        names: ["shop"],
        facts: () => ({ title: "Memory", identifierQuote: '"', ...schema }),
        pick: (name) => name ?? "shop",
        proof: async () => ({ state: "verified", attempts: [] }),
        reports: () => [],
      },
    })({ connection: "shop", ...input }, new AbortController().signal);

  it("shows tables and views, and only counts the rest", async () => {
    const { text } = await inspect(all, {});
    assert.deepEqual(text.split("\n"), [
      "-- not shown: 1 routine, 1 sequence, 2 types, 1 partition, 1 extension; pass kind to see them",
      "cheap(view): id:int*NN",
      "orders(~1.2k rls): id:int*NN",
    ]);
    assert.equal((await inspect([add], {})).text, "-- not shown: 1 routine; pass kind to see them");
    assert.equal((await inspect([], {})).text, "-- no tables or views");
    assert.equal((await inspect([view], {})).text, "cheap(view): id:int*NN");
  });

  it("shows a partition whose table cannot be seen", async () => {
    assert.equal((await inspect([part], {})).text, "orders_2024(part of orders): id:int*NN");
  });

  it("lists one kind whole, however much it is", async () => {
    const kinds: readonly (readonly [ObjectKind, string])[] = [
      ["routine", "add(routine): (a integer, b integer) returns integer"],
      ["sequence", "counter(sequence)"],
      ["type", 'mood(type): calm|"it\'s odd"\npositive(type): value:int*NN'],
      ["extension", "postgis(extension 3.3.2)"],
      ["table", "orders(~1.2k rls): id:int*NN\norders_2024(part of orders): id:int*NN"],
      ["view", "cheap(view): id:int*NN"],
    ];
    for (const [kind, expected] of kinds) assert.equal((await inspect(all, { kind })).text, expected);
    assert.equal((await inspect([table], { kind: "routine" })).text, "-- no routine");
    const many = Array.from({ length: 500 }, (_, index): CatalogObject => ({ ...add, name: `add_${index}` }));
    const first = await inspect(many, { kind: "routine" });
    assert.match(first.text, /^add_0\(routine\): \(a integer/);
    assert.ok(first.cursor !== undefined);
  });

  it("gives the whole text of a routine or a view that is asked for by name", async () => {
    assert.equal(
      (await inspect(all, { object: "add" })).text,
      "add(routine): (a integer, b integer) returns integer\nCREATE FUNCTION add\n  body",
    );
    assert.equal((await inspect(all, { object: "cheap", detail: "columns" })).text.split("\n")[0], "cheap(view): id:int*NN");
    assert.match((await inspect(all, { object: "cheap" })).text, /\nCREATE VIEW cheap AS\n SELECT 1$/);
  });

  it("keeps the overview of a large schema within a page", async () => {
    const routines = Array.from({ length: 3000 }, (_, index): CatalogObject => ({ ...add, name: `add_${index}` }));
    const { text, cursor } = await inspect([...routines, table], {});
    assert.equal(cursor, undefined);
    assert.ok(text.length < 200);
  });
});

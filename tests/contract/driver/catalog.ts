import assert from "node:assert/strict";
import type { CatalogObject } from "../../../core/contract/catalog.ts";
import { type Bench, type DriverCase, never } from "./bench.ts";

export const catalog: readonly DriverCase[] = [
  {
    name: "lists tables and views in order, and nothing of the engine's own",
    async run(bench) {
      const objects = await read(bench, "names");
      const names = objects.map(({ name }) => name).filter((name) => !name.startsWith("value_"));
      assert.deepEqual(new Set(names), new Set(["cheap", "field", "item", "link", "maker", "vacant", bench.odd.table]));
      assert.deepEqual(names, [...names].sort());
      assert.equal(named(objects, "cheap").kind, "view");
      assert.equal(named(objects, "item").kind, "table");
      assert.ok(objects.every(({ columns, definition }) => columns === undefined && definition === undefined));
    },
  },
  {
    name: "names columns with type, nullability and default",
    async run(bench) {
      const { columns = [] } = named(await read(bench, "columns"), "item");
      assert.deepEqual(
        columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
        [
          { name: "id", type: columns[0]?.type, nullable: false },
          { name: "maker_id", type: columns[0]?.type, nullable: true },
          { name: "name", type: "text", nullable: false },
          { name: "price", type: "decimal", nullable: true },
        ],
      );
      assert.ok(["int", "bigint"].includes(columns[0]?.type ?? ""));
      assert.match(columns[2]?.default ?? "", /'none'/);
      assert.equal(columns[3]?.default, undefined);
      assert.match(columns[3]?.nativeType ?? "", /10, ?2/);
    },
  },
  {
    name: "gives the same type for a column as a query does",
    async run(bench) {
      await using connection = await bench.open("read");
      for (const [index] of bench.fixture.values.entries()) {
        const [object] = await connection.catalog.read({ detail: "columns", object: { name: `value_${index}` }, signal: never });
        await using stream = await connection.query(`select cell from value_${index}`, [], { signal: never, batchSize: 1 });
        assert.equal(object?.columns?.[0]?.type, stream.columns[0]?.type);
        assert.equal(object?.columns?.[0]?.nativeType, stream.columns[0]?.nativeType);
      }
    },
  },
  {
    name: "gives primary keys in key order",
    async run(bench) {
      const objects = await read(bench, "full");
      assert.deepEqual(named(objects, "link").primaryKey, ["b", "a"]);
      assert.deepEqual(named(objects, "item").primaryKey, ["id"]);
      assert.deepEqual(named(objects, "vacant").primaryKey ?? [], []);
    },
  },
  {
    name: "gives foreign keys with the columns they lead to",
    async run(bench) {
      const [key, ...others] = named(await read(bench, "full"), "item").foreignKeys ?? [];
      assert.equal(others.length, 0);
      assert.deepEqual(key?.columns, ["maker_id"]);
      assert.equal(key?.references.name, "maker");
      assert.deepEqual(key?.references.columns, ["id"]);
    },
  },
  {
    name: "gives indexes with their columns and whether they are unique",
    async run(bench) {
      const objects = await read(bench, "full");
      const index = named(objects, "item").indexes?.find(({ name }) => name === "item_by_name");
      assert.deepEqual(index, { name: "item_by_name", unique: false, columns: ["name", "id"] });
      const unique = named(objects, "maker").indexes?.filter((entry) => entry.unique && entry.columns.join() === "name");
      assert.equal(unique?.length, 1);
    },
  },
  {
    name: "gives the definition of a view",
    async run(bench) {
      assert.match(named(await read(bench, "full"), "cheap").definition ?? "", /from\s+.*item/is);
    },
  },
  {
    name: "finds odd names, whole",
    async run(bench) {
      const [object, ...others] = await read(bench, "full", bench.odd.table);
      assert.equal(others.length, 0);
      assert.equal(object?.name, bench.odd.table);
      assert.deepEqual(
        object?.columns?.map(({ name }) => name),
        [bench.odd.table, "select", bench.odd.blank],
      );
    },
  },
  {
    name: "reads one object, and nothing for a name that is not there",
    async run(bench) {
      const objects = await read(bench, "columns", "maker");
      assert.deepEqual(
        objects.map(({ name }) => name),
        ["maker"],
      );
      assert.deepEqual(await read(bench, "full", "no such table"), []);
      assert.deepEqual(await read(bench, "full", "mak%"), []);
    },
  },
  {
    name: "sees a table that was made after it connected",
    async run({ open }) {
      await using connection = await open("write");
      const look = () => connection.catalog.read({ detail: "columns", object: { name: "later" }, signal: never });
      assert.deepEqual(await look(), []);
      await (await connection.query("create table later (id integer)", [], { signal: never, batchSize: 1 }))[Symbol.asyncDispose]();
      assert.equal((await look()).length, 1);
      await (await connection.query("drop table later", [], { signal: never, batchSize: 1 }))[Symbol.asyncDispose]();
      assert.deepEqual(await look(), []);
    },
  },
];

async function read({ open }: Bench, detail: "names" | "columns" | "full", name?: string): Promise<readonly CatalogObject[]> {
  await using connection = await open("read");
  return await connection.catalog.read({ detail, signal: never, ...(name !== undefined && { object: { name } }) });
}

function named(objects: readonly CatalogObject[], name: string): CatalogObject {
  const found = objects.filter((object) => object.name === name);
  assert.equal(found.length, 1, `${name} is listed once`);
  return found[0] as CatalogObject;
}

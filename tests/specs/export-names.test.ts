import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { RelationUse } from "../../core/contract/analysis.ts";
import { exportPath, fileName, type NameFacts, onlyTable } from "../../core/export/names.ts";

const now = new Date("2026-02-03T04:05:06.789Z");
const name = (to: string, facts: Partial<NameFacts> = {}) => fileName(to, { connection: "shop", table: "orders", now, ...facts });

describe("the name of an exported file", () => {
  const made: readonly (readonly [string, string, Partial<NameFacts>?])[] = [
    ["", "shop-orders-20260203T040506789Z.csv"],
    ["out/", "out/shop-orders-20260203T040506789Z.csv"],
    ["out\\", "out\\shop-orders-20260203T040506789Z.csv"],
    ["out/", "out/shop-query-20260203T040506789Z.parquet", { table: undefined, format: "parquet" }],
    ["out/", "out/shop-orders-20260203T040506789Z.md.gz", { format: "markdown", compress: "gz" }],
    ["a.csv", "a.csv"],
    ["a.csv", "a.csv.zst", { compress: "zst" }],
    ["a.csv.zst", "a.csv.zst", { compress: "zst" }],
    ["{table}/{date}-{connection}.{format}", "orders/2026-02-03-shop.ndjson", { format: "ndjson" }],
    ["{table}.parquet", "a_b.parquet", { table: "a/../b" }],
    ["{table}.csv", "query.csv", { table: ".." }],
    ["{table}.csv", "con_.csv", { table: "CON".toLowerCase() }],
    ["{table}.csv", "日本_1.csv", { table: "日本 1" }],
    ["{table}.csv", `${"x".repeat(60)}.csv`, { table: "x".repeat(300) }],
    ["{connection}.csv", "shop.csv", { connection: "postgres://ann@db:5432/shop?sslmode=require" }],
    ["{connection}.csv", "shop.csv", { connection: "../data/shop.db" }],
    ["{connection}.csv", "lake.csv", { connection: "/data/lake/*.csv" }],
    ["{connection}.csv", "memory.csv", { connection: ":memory:" }],
    ["{connection}.csv", "connection.csv", { connection: "*" }],
  ];
  for (const [to, expected, facts] of made)
    it(`is ${expected} for "${to}"${facts ? ` of ${JSON.stringify(facts)}` : ""}`, () => assert.equal(name(to, facts), expected));

  it("says which placeholders there are", () => {
    assert.throws(() => name("{tabel}.csv"), { code: "INPUT_INVALID", message: /"\{tabel\}"/, hint: /table/ });
    assert.throws(() => name("{x}.csv"), { hint: /\{connection\}, \{table\}, \{time\}, \{date\}, \{format\}/ });
    assert.equal(name("{1}{A B}.csv"), "{1}{A B}.csv");
  });

  it("sorts as time goes", () => {
    const later = (millis: number) => name("", { now: new Date(now.getTime() + millis) });
    const names = [0, 1, 999, 60_000, 86_400_000].map(later);
    assert.deepEqual(names.toSorted(), names);
  });

  it("makes a folder that is named as one, and none outside the folder for exports", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-names-"));
    after(() => rmSync(folder, { recursive: true }));
    const facts = { connection: "shop", table: undefined, now };
    for (const _ of ["made", "there"]) await exportPath({ to: `${folder}/new/` }, facts);
    assert.deepEqual(readdirSync(folder), ["new"]);
    await assert.rejects(exportPath({ to: `${folder}/no/new/` }, facts), { code: "NOT_FOUND" });
    const within = join(folder, "exports");
    assert.equal(await exportPath({ to: "", within }, facts), join(within, "shop-query-20260203T040506789Z.csv"));
    assert.equal(await exportPath({ to: "sub/{table}.csv", within }, facts), join(within, "sub/query.csv"));
    await assert.rejects(exportPath({ to: "../x.csv", within }, facts), { code: "FORBIDDEN" });
    await assert.rejects(exportPath({ to: "../", within }, facts), { code: "FORBIDDEN" });
    assert.deepEqual(readdirSync(folder).sort(), ["exports", "new"]);
  });
});

describe("the table of a statement", () => {
  const use = (table: string, rest: Partial<RelationUse> = {}): RelationUse => ({ name: table, access: "read", kind: "table", ...rest });
  it("is the only one it names", () => {
    assert.equal(onlyTable([use("a"), use("a")]), "a");
    assert.equal(onlyTable([use("v", { kind: "view" }), use("a", { through: [{ name: "v" }] })]), "v");
    for (const none of [undefined, [], [use("a"), use("b")], [use("a", { schema: "x" }), use("a", { schema: "y" })]])
      assert.equal(onlyTable(none), undefined);
  });
});

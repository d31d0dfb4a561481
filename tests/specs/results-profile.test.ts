import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Column, LogicalType, Value } from "../../core/contract/rows.ts";
import { textWidth } from "../../core/export/width.ts";
import { chart } from "../../core/results/chart.ts";
import { chartPage } from "../../core/results/chart-html.ts";
import type { ColumnProfile, Profile } from "../../core/results/profile.ts";
import { profileJson } from "../../core/results/profile-text.ts";
import { problemOf } from "../support/config-folder.ts";
import { type MemoryAnswer, memoryDriver } from "../support/memory-driver.ts";
import { resultsApp } from "../support/results-app.ts";

const column = (name: string, type: LogicalType, nativeType = type.toUpperCase()): Column => ({ name, type, nativeType });
const answer = (columns: readonly Column[], count: number, row: (n: number) => readonly Value[]): MemoryAnswer => ({
  columns,
  rows: Array.from({ length: count }, (_, n) => row(n)),
});

const orders = [
  column("id", "bigint"),
  column("total", "decimal", "NUMERIC(38,2)"),
  column("status", "text"),
  column("at", "date"),
  column("ok", "boolean"),
];
const odd = [
  column("f", "float"),
  column("d", "date"),
  column("b", "bytes"),
  column("j", "json"),
  column("l", "list"),
  column("dec", "decimal", "NUMERIC"),
];
const hostile = '<script>alert(1)</script>"\u0000\u001b[31m';

const answers: Readonly<Record<string, MemoryAnswer>> = {
  orders: answer(orders, 400, (n) => [
    9007199254740993n + BigInt(n),
    `${n}.50`,
    n % 4 === 0 ? null : n % 4 === 1 ? "paid" : "a; b",
    `2024-01-${String((n % 4) + 1).padStart(2, "0")}`,
    n % 10 === 0,
  ]),
  odd: answer(odd, 200, (n) => [
    [NaN, -Infinity, -0, 1.5][n] ?? n,
    ["0044-03-15 BC", "infinity"][n] ?? "2024-02-29",
    new Uint8Array([1, n % 3]),
    `{"a":${n % 2}}`,
    [1, n % 2],
    `1e${n % 500}`,
  ]),
  none: answer([column("n", "int"), column("s", "text")], 0, () => []),
  same: answer([column("", "int"), column('quo"te', "text"), column("N", "int"), column("n", "int")], 150, (n) => [7, "", n, null]),
  hostile: answer([column(hostile, "text")], 150, () => [hostile]),
  wide: answer(
    Array.from({ length: 44 }, (_, c) => column(`${"wide ".repeat(40)}${c}`, "int")),
    150,
    (n) => Array.from({ length: 44 }, (_, c) => n * c),
  ),
  large: answer([column("n", "int"), column("s", "text"), column("few", "int")], 210_000, (n) => [n, `word ${n % 30_000}`, n % 5]),
};

describe("the profile of a stored result", () => {
  const { driver, log } = memoryDriver(answers, [{ name: "r1", kind: "table", columns: [] }]);
  let room: Awaited<ReturnType<typeof resultsApp>>;
  const caller = () => ({
    principal: room.app.principal,
    signal: new AbortController().signal,
    span: room.app.telemetry.root("verb", "test"),
  });
  const profileOf = async (sql: string): Promise<Profile> =>
    room.app.profile((await room.app.land({ sql, connection: "main" }, caller())).name, caller());
  const only = (found: Profile, name: string): ColumnProfile =>
    found.columns.find((each) => each.column.name === name) ?? assert.fail(name);

  before(async () => {
    room = await resultsApp([driver], { main: "memory:x", other: "memory:y" });
    for (let n = 0; n < 2; n++) await room.app.land({ sql: "orders", connection: "main" }, caller());
  });
  after(() => room.close());

  it("is one small table with exact values", async () => {
    const ran = log.ran.length;
    const text = await room.call("inspect", { object: "R2" });
    assert.equal(
      text,
      `-- r2: 400 rows, 5 columns
column,type,nulls,distinct,min,25%,50%,75%,max,length,top,histogram
id,BIGINT,0,400,9007199254740993,9007199254741092,9007199254741192,9007199254741292,9007199254741392,,,12 12 13 12 13 12 13 13
total,"NUMERIC(38,2)",0,400,0.50,99.50,199.50,299.50,399.50,,,13 13 13 13 13 13 13 13
status,TEXT,100,2,a; b,,,,paid,4,"""a; b"" 50%; paid 25%",
at,DATE,0,4,2024-01-01,2024-01-01,2024-01-02,2024-01-03,2024-01-04,,2024-01-01 25%; 2024-01-02 25%; 2024-01-03 25%,25 0 25 0 0 25 0 25
ok,BOOLEAN,0,2,,,,,,,false 90%; true 10%,`,
    );
    assert.ok(Buffer.byteLength(text) < 1600);
    assert.equal(log.ran.length, ran);
  });

  it("gives way to an object of a connection that has the name, and belongs to whoever asked", async () => {
    assert.match(await room.call("inspect", { object: "r1", connection: "main" }), /^r1/);
    assert.match(await room.call("inspect", { object: "r1" }), /^-- r1: 400 rows/);
    const eve = { id: "eve", roles: [], via: "api-key" } as const;
    const refused = await problemOf(room.call("inspect", { object: "r2", connection: "main" }, eve));
    assert.deepEqual([refused.code, /result/.test(refused.message)], ["NOT_FOUND", false]);
  });

  it("says how to get back what is gone", async () => {
    const { name } = await room.app.land({ sql: "orders", connection: "main" }, caller());
    await room.app.results?.remove(room.app.principal, name);
    assert.equal((await problemOf(room.call("inspect", { object: name }))).code, "RESULT_EXPIRED");
  });

  it("tells of every type what holds for it", async () => {
    const found = await profileOf("odd");
    const { min, max, bins } = only(found, "f");
    assert.deepEqual([min, max, bins?.length, bins?.[0]?.low], [-Infinity, NaN, 8, 0]);
    assert.deepEqual([only(found, "d").min, only(found, "d").max], ["0044-03-15 (BC)", "infinity"]);
    assert.equal(only(found, "d").bins?.at(-1)?.rows, 198);
    assert.deepEqual([only(found, "b").lengths, only(found, "b").distinct, only(found, "b").top], [{ min: 2, max: 2 }, 3, []]);
    assert.deepEqual(only(found, "j").top, [
      { value: '{"a":0}', rows: 100 },
      { value: '{"a":1}', rows: 100 },
    ]);
    assert.equal(only(found, "l").distinct, 2);
    // Numbers that had to be kept as text have no order that means anything.
    assert.deepEqual([only(found, "dec").min, only(found, "dec").distinct], [undefined, 200]);
  });

  it("holds for no rows, no name, one value and nothing but nulls", async () => {
    const none = await profileOf("none");
    assert.deepEqual([none.rows, only(none, "n").nulls, only(none, "n").distinct, only(none, "n").min], [0, 0, 0, undefined]);
    const same = await profileOf("same");
    assert.deepEqual(
      same.columns.map(({ column: { name }, nulls, distinct, min, bins }) => [name, nulls, distinct, min, bins?.length]),
      [
        ["column_1", 0, 1, 7, undefined],
        ['quo"te', 0, 1, "", undefined],
        ["N", 0, 150, 0, 8],
        ["n_2", 150, 0, undefined, undefined],
      ],
    );
    assert.deepEqual(same.columns[1]?.top, [{ value: "", rows: 150 }]);
  });

  it("tells hundreds of columns page by page", async () => {
    const { name } = await room.app.land({ sql: "wide", connection: "main" }, caller());
    const first = await room.call("inspect", { object: name });
    const [, cursor = ""] = /\n-- more: cursor (\S+)$/.exec(first) ?? [];
    assert.match(await room.call("inspect", { object: name, cursor }), /^wide [\s\S]*wide 43,INT,0,150,0,/);
  });

  it("looks at a part of many rows, says so, and still counts nulls, ends and distinct values of all", async () => {
    const found = await profileOf("large");
    assert.equal(found.rows, 210_000);
    assert.ok(found.drawn !== undefined && Math.abs(found.drawn - 200_000) < 3000);
    const { min, max, nulls, distinct, about } = only(found, "n");
    assert.deepEqual([min, max, nulls, about], [0, 209_999, 0, true]);
    assert.ok(Math.abs(distinct - 210_000) < 21_000);
    assert.ok(Math.abs(only(found, "s").distinct - 30_000) < 3000);
    assert.deepEqual([only(found, "few").distinct, only(found, "few").about], [5, false]);
    assert.ok(Math.abs((only(found, "n").bins ?? []).reduce((sum, { rows }) => sum + rows, 0) - 210_000) < 10);
  });

  it("is JSON without loss", async () => {
    const { columns } = JSON.parse(profileJson(await profileOf("orders")));
    assert.deepEqual([columns[0].min, columns[1].max, columns[2].top[0]], ["9007199254740993", "399.50", { value: "a; b", rows: 200 }]);
  });

  it("is drawn as wide as the terminal, and in colour only where that is wanted", async () => {
    const found = await profileOf("orders");
    for (const width of [30, 60, 120]) {
      const drawn = chart(found, { width, colour: false });
      for (const line of drawn.split("\n")) assert.ok(textWidth(line) <= width, `${width}: ${line}`);
      assert.ok(!drawn.includes("\u001b"));
    }
    assert.match(chart(found, { width: 80, colour: false }), /\n {2}a; b {2}200 {2}█{40}\n {2}paid {2}100 {2}█{20}\n/);
    assert.match(chart(found, { width: 80, colour: true }), /\u001b\[1mid\u001b\[22m/);
    assert.doesNotMatch(chart(await profileOf("hostile"), { width: 80, colour: false }), /[\u0000\u001b]/);
  });

  it("is a page on which data is text and nothing else", async () => {
    const page = chartPage(await profileOf("hostile"));
    assert.doesNotMatch(page, /<script|\u0000|<(?:image|a|iframe|object|link)\b|\son\w+=|https?:/);
    assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    const [, allowed] = /style-src 'sha256-([^']+)'/.exec(page) ?? [];
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    assert.equal(createHash("sha256").update(style).digest("base64"), allowed);
    assert.match(chartPage(await profileOf("orders")), /<svg[^>]*>[\s\S]*<rect [^>]*width="150\.0"/);
  });
});

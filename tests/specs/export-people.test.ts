import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { cutText, textWidth } from "../../core/export/width.ts";
import { bytesOf, streamOf } from "../contract/exporter.ts";

const columns: Column[] = [
  { name: "id", type: "int", nativeType: "INTEGER" },
  { name: "name", type: "text", nativeType: "TEXT" },
];

async function written(
  format: string,
  rows: readonly (readonly Value[])[],
  terminal?: { width: number; colour: boolean },
): Promise<string> {
  return (await bytesOf(formatNamed(format), streamOf({ columns, rows }), terminal && { terminal })).toString();
}

const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;
const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;

describe("table", () => {
  it("aligns numbers right and text left, by the width people see", async () => {
    const text = await written("table", [
      [1, "日本"],
      [1234, "é"],
      [-5, "plain"],
    ]);
    assert.equal(text, ["   id │ name", "──────┼───────", "    1 │ 日本", " 1234 │ é", "   -5 │ plain", "(3 rows)", ""].join("\n"));
  });

  it("shows control characters instead of sending them", async () => {
    const text = await written("table", [[1, "a\u001b]0;owned\u0007\u009b2J\nb\tc\r\u202e"]], { width: 200, colour: false });
    assert.match(text, /a\\u001b\]0;owned\\u0007\\u009b2J\\nb\\tc\\r\\u202e/);
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("shows control characters in column names too", async () => {
    const rows = streamOf({ columns: [{ name: "\u001b[2J", type: "text", nativeType: "" }], rows: [] });
    assert.match((await bytesOf(formatNamed("table"), rows)).toString(), /\\u001b\[2J/);
  });

  it("cuts long text to fit a terminal, and never a number", async () => {
    const text = await written("table", [[123456789012345, "abcdefghijklmnopqrstuvwxyz"]], { width: 30, colour: false });
    assert.deepEqual(text.split("\n")[2], " 123456789012345 │ abcdefghi…");
  });

  it("cuts nothing where nobody watches", async () => {
    const long = "x".repeat(500);
    assert.ok((await written("table", [[1, long]])).includes(long));
  });

  it("dims NULL and leaves the text NULL alone, with colour only", async () => {
    const lines = (
      await written(
        "table",
        [
          [null, "NULL"],
          [1, null],
        ],
        { width: 80, colour: true },
      )
    ).split("\n");
    assert.equal(lines[0], ` ${bold("  id")} │ ${bold("name")}`);
    assert.equal(lines[2], ` ${dim("NULL")} │ NULL`);
    assert.ok(!(await written("table", [[null, null]], { width: 80, colour: false })).includes("\u001b"));
  });

  it("takes its widths from the first thousand rows and then keeps them", async () => {
    const rows = Array.from({ length: 1_002 }, (_, row): Value[] => [row, row > 1_000 ? "wider than all before" : "x"]);
    const lines = (await written("table", rows)).split("\n");
    assert.equal(lines[1], "─────┼──────");
    assert.equal(lines.at(-3), " 1001 │ wider than all before");
    assert.equal(lines.at(-2), "(1,002 rows)");
  });

  it("counts one row as one row, and none as none", async () => {
    assert.match(await written("table", [[1, "x"]]), /\(1 row\)\n$/);
    assert.equal(await written("table", []), [" id │ name", "────┼──────", "(0 rows)", ""].join("\n"));
  });
});

describe("a statement that returns no columns", () => {
  for (const format of ["table", "vertical", "markdown", "csv", "tsv", "ndjson"]) {
    it(`writes nothing as ${format}`, async () => {
      assert.equal((await bytesOf(formatNamed(format), streamOf({ columns: [], rows: [] }))).length, 0);
    });
  }
});

describe("vertical", () => {
  it("writes a value per line under a rule per row", async () => {
    assert.equal(
      await written("vertical", [
        [1, "two\nlines"],
        [2, null],
      ]),
      ["─[ 1 ]───", "id   │ 1", "name │ two\\nlines", "─[ 2 ]───", "id   │ 2", "name │ NULL", "(2 rows)", ""].join("\n"),
    );
  });

  it("names the columns of a result without rows", async () => {
    assert.equal(await written("vertical", []), "id\nname\n(0 rows)\n");
  });
});

describe("markdown", () => {
  it("escapes what would end a cell or be read as markup", async () => {
    const text = await written("markdown", [
      [1, "a|b\\|c\\d\r\n<script> a < b"],
      [null, "back\\"],
    ]);
    assert.equal(
      text,
      ["| id | name |", "| ---: | --- |", "| 1 | a\\|b\\\\\\|c\\d<br>\\<script> a < b |", "| NULL | back\\\\ |", ""].join("\n"),
    );
  });

  it("keeps the header of a result without rows", async () => {
    assert.equal(await written("markdown", []), "| id | name |\n| ---: | --- |\n");
  });
});

describe("text width", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["abc", 3],
    ["", 0],
    ["日本", 4],
    ["ｱ", 1],
    ["Ａ", 2],
    ["e\u0301", 1],
    ["\u200b", 0],
    ["👩‍👩‍👧", 2],
    ["🇵🇹", 2],
    ["❤️", 2],
    ["한글", 4],
  ];
  for (const [text, width] of widths) it(`counts ${JSON.stringify(text)} as ${width}`, () => assert.equal(textWidth(text), width));

  it("cuts between characters, not inside them", () => {
    assert.equal(cutText("日本語", 4), "日…");
    assert.equal(cutText("e\u0301e\u0301e\u0301", 2), "e\u0301…");
    assert.equal(cutText("fits", 4), "fits");
  });
});

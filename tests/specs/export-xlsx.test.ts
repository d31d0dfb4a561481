import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Column, RowStream, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { findPython } from "../support/python.ts";

const xlsx = formatNamed("xlsx");
const python = findPython(["zipfile", "xml.etree"]);
const openpyxl = findPython(["openpyxl"], "python3-openpyxl");

/** Reads a workbook with Python's own zip and XML: type, style and text of every cell in a sheet's first rows. */
const reader = `
import json, re, sys, zipfile
import xml.etree.ElementTree as tree
from datetime import datetime, timedelta
space = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
book = zipfile.ZipFile(sys.argv[1])
assert book.testzip() is None
codes = {n.get('numFmtId'): n.get('formatCode') for n in tree.fromstring(book.read('xl/styles.xml')).iter(space + 'numFmt')}
formats = [codes.get(x.get('numFmtId')) for x in tree.fromstring(book.read('xl/styles.xml')).find(space + 'cellXfs')]
def column(reference):
    n = 0
    for letter in re.match('[A-Z]+', reference)[0]: n = n * 26 + ord(letter) - 64
    return n - 1
def moment(serial, code):
    text = (datetime(1899, 12, 30) + timedelta(milliseconds=round(float(serial) * 86400000))).isoformat(' ', 'milliseconds')
    text = text.rstrip('0').rstrip('.') if '.000' in code else text[:-4]
    return text[:10] if 'hh' not in code else text if 'yyyy' in code else text[11:]
def value(cell):
    kind = cell.get('t')
    if kind == 'inlineStr':
        text = cell.find(space + 'is/' + space + 't').text or ''
        return ['text', re.sub('_x([0-9A-F]{4})_', lambda m: chr(int(m[1], 16)), text)]
    raw = cell.find(space + 'v').text
    if kind == 'b': return ['boolean', 'true' if raw == '1' else 'false']
    code = formats[int(cell.get('s', '0'))]
    return ['date', moment(raw, code)] if code else ['number', raw]
sheets = []
for n in range(1, 1 + len(tree.fromstring(book.read('xl/workbook.xml')).find(space + 'sheets'))):
    rows = []
    sheet = 'xl/worksheets/sheet%d.xml' % n
    for event, row in tree.iterparse(book.open(sheet)):
        if row.tag != space + 'row': continue
        assert int(row.get('r')) == len(rows) + 1
        rows.append({column(cell.get('r')): value(cell) for cell in row})
        if len(rows) > 20: break
    sheets.append({'count': book.read(sheet).count(b'<row '), 'rows': rows})
json.dump(sheets, sys.stdout)
`;

interface Sheet {
  readonly count: number;
  readonly rows: readonly Readonly<Record<string, readonly [kind: string, text: string]>>[];
}

async function readSheets(path: string): Promise<Sheet[]> {
  return (typeof python === "function" ? await python(reader, path) : []) as Sheet[];
}

if (typeof python === "function") describeExporter({ exporter: xlsx, read: readXlsx, tables: 12 });

async function readXlsx(path: string, columns: readonly Column[]): Promise<Found> {
  const [sheet] = await readSheets(path);
  const [head, ...rows] = (sheet?.rows ?? []).map((row) => columns.map((_, index) => row[index]?.[1] ?? null));
  return { names: (head ?? []).map((name) => name ?? ""), rows };
}

describe("xlsx", { skip: typeof python === "function" ? false : python.absent }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidegate-xlsx-"));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (rows: RowStream): Promise<string> => {
    const path = join(folder, "out.xlsx");
    await writeFile(path, await bytesOf(xlsx, rows));
    return path;
  };
  const cell = async (type: Column["type"], value: Value): Promise<readonly [string, string] | undefined> => {
    const [sheet] = await readSheets(await write(streamOf({ columns: [{ name: "c", type, nativeType: "" }], rows: [[value]] })));
    return sheet?.rows[1]?.[0];
  };

  const kinds: readonly (readonly [string, Column["type"], Value, string])[] = [
    ["numbers stay numbers", "int", 42, "number"],
    ["15 digits are a number", "bigint", 999_999_999_999_999, "number"],
    ["16 digits are text", "bigint", 9_007_199_254_740_993n, "text"],
    ["a short decimal is a number", "decimal", "-12345.60", "number"],
    ["a long decimal is text", "decimal", "1.0000000000000001", "text"],
    ["NaN is text", "float", Number.NaN, "text"],
    ["-0 is text", "float", -0, "text"],
    ["a float too small for Excel is text", "float", 5e-324, "text"],
    ["booleans stay booleans", "boolean", true, "boolean"],
    ["a formula is text", "text", '=HYPERLINK("http://example.com")', "text"],
    ["a number in a text column is text", "text", "42", "text"],
    ["a date is a date", "date", "2024-02-29", "date"],
    ["a date before March 1900 is text", "date", "1900-02-28", "text"],
    ["a timestamp with milliseconds is a date", "timestamp", "1999-12-31 23:59:59.999", "date"],
    ["a timestamp with microseconds is text", "timestamp", "1999-12-31 23:59:59.999999", "text"],
    ["a time is a time", "time", "23:59:59", "date"],
    ["a timestamp with a zone is text", "timestamptz", "2024-02-29 12:00:00+00", "text"],
  ];
  describe("cells", () => {
    let cells: Sheet["rows"][number] = {};
    before(async () => {
      const columns = kinds.map(([name, type]): Column => ({ name, type, nativeType: "" }));
      const [sheet] = await readSheets(await write(streamOf({ columns, rows: [kinds.map(([, , value]) => value)] })));
      cells = sheet?.rows[1] ?? {};
    });
    for (const [index, [behaviour, , value, kind]] of kinds.entries()) {
      it(behaviour, () => assert.deepEqual(cells[index], [kind, Object.is(value, -0) ? "-0" : String(value)]));
    }
  });

  it("leaves a NULL's cell out, and keeps empty text", async () => {
    assert.equal(await cell("text", null), undefined);
    assert.deepEqual(await cell("text", ""), ["text", ""]);
  });

  it("writes any character XML cannot hold, and text that looks like an escape", async () => {
    const odd = "\u0000\u001f\r\n\uffff_x0041__x000D_ <&>\ud83d\ude00";
    assert.deepEqual(await cell("text", odd), ["text", odd]);
  });

  it("refuses a text Excel would cut", async () => {
    assert.deepEqual((await cell("text", "x".repeat(32_767)))?.[1].length, 32_767);
    await assert.rejects(cell("text", "x".repeat(32_768)), {
      code: "LIMIT_EXCEEDED",
      message: "Cell A2 would hold 32768 characters: a spreadsheet cell holds 32767",
    });
  });

  it("refuses more columns than a sheet holds", async () => {
    const columns = Array.from({ length: 16_385 }, (_, index): Column => ({ name: `c${index}`, type: "int", nativeType: "" }));
    await assert.rejects(write(streamOf({ columns, rows: [] })), { code: "LIMIT_EXCEEDED" });
  });

  it("goes on in a second sheet, under the same header", { timeout: 60_000 }, async () => {
    const rows = 1_048_576;
    const columns: Column[] = [{ name: "n", type: "int", nativeType: "" }];
    const batch = { length: 4_096, columns: [Array.from({ length: 4_096 }, () => 7)] };
    const source: RowStream = {
      columns,
      async *[Symbol.asyncIterator]() {
        for (let done = 0; done < rows; done += batch.length) yield batch;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const sheets = await readSheets(await write(source));
    assert.deepEqual(
      sheets.map(({ count }) => count),
      [1_048_576, 2],
    );
    assert.deepEqual(sheets[1]?.rows, [{ 0: ["text", "n"] }, { 0: ["number", "7"] }]);
  });

  describe("read by openpyxl", { skip: typeof openpyxl === "function" ? false : openpyxl.absent }, () => {
    const ask = async (script: string, path: string) =>
      typeof openpyxl === "function" ? openpyxl(`import json, openpyxl, sys\n${script}`, path) : undefined;

    it("has a bold frozen header over typed cells with the same values", async () => {
      const columns = kinds.map(([name, type]): Column => ({ name, type, nativeType: "" }));
      const path = await write(streamOf({ columns, rows: [kinds.map(([, , value]) => value)] }));
      const script = `
sheet = openpyxl.load_workbook(sys.argv[1]).active
def told(cell):
    value = cell.value
    return [type(value).__name__, value.isoformat() if hasattr(value, 'isoformat') else value, cell.data_type]
print(json.dumps([sheet.freeze_panes, all(cell.font.b for cell in sheet[1]), [cell.value for cell in sheet[1]], [told(cell) for cell in sheet[2]]]))`;
      const [frozen, bold, header, cells] = (await ask(script, path)) as [string, boolean, string[], [string, unknown, string][]];
      assert.deepEqual([frozen, bold, header], ["A2", true, kinds.map(([name]) => name)]);
      assert.deepEqual(
        cells,
        kinds.map(([, type, value, kind]) => read(type, value, kind)),
      );
    });

    /** What openpyxl makes of a value: its Python type, the value, and the cell's own type. */
    function read(type: Column["type"], value: Value, kind: string): [string, unknown, string] {
      const text = Object.is(value, -0) ? "-0" : String(value);
      if (kind === "text") return ["str", text, "s"];
      if (kind === "boolean") return ["bool", value, "b"];
      if (kind === "number") return [Number.isInteger(Number(value)) ? "int" : "float", Number(value), "n"];
      if (type === "time") return ["time", text, "d"];
      return ["datetime", type === "date" ? `${text}T00:00:00` : text.replace(" ", "T").replace(/\.(\d{3})$/, ".$1000"), "d"];
    }

    for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", '=cmd|"/c calc"!A1']) {
      it(`takes ${text} for text, and keeps it so when it is edited`, async () => {
        const path = await write(streamOf({ columns: [{ name: text, type: "text", nativeType: "" }], rows: [[text]] }));
        const script =
          "print(json.dumps([[cell.value, cell.data_type, cell.quotePrefix] for row in openpyxl.load_workbook(sys.argv[1]).active for cell in row]))";
        const found = (await ask(script, path)) as [string, string, boolean][];
        assert.deepEqual(found, [
          [text, "s", true],
          [text, "s", true],
        ]);
      });
    }
  });
});

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { type CatalogEncoding, encode, encodings } from "../../core/catalog/encode.ts";
import { inspectRows } from "../../core/catalog/inspect-rows.ts";
import type { CatalogDetail, CatalogObject } from "../../core/contract/catalog.ts";
import type { Value } from "../../core/contract/rows.ts";
import { column, table } from "../support/catalogs.ts";

const odd = 'Odd "name"\n*x, y:z';

const shop: CatalogObject[] = [
  {
    schema: "main",
    name: "customers",
    kind: "table",
    comment: "People\u001b[31m who buy",
    estimatedRows: 1204,
    primaryKey: ["id"],
    columns: [
      column("id", ["BIGINT", "bigint"], false),
      { ...column("name", ["VARCHAR(40)", "text"], false), comment: 'As on the "card"' },
      { ...column("城市", ["TEXT", "text"]), default: "'Köln'" },
    ],
    indexes: [
      { name: "by_name", unique: true, columns: ["name"] },
      { name: "by_lower", unique: false, columns: ["lower(name)", "城市"] },
    ],
    checks: ["id > 0"],
  },
  {
    schema: "main",
    name: odd,
    kind: "table",
    primaryKey: ["a", "b"],
    columns: [
      column("a", ["INTEGER", "int"], false),
      column("b", ["INTEGER", "int"], false),
      column(odd, ["NUMERIC(12, 2)", "decimal"]),
      { ...column("double a", ["INTEGER", "int"]), default: "a * 2", generated: true },
    ],
    foreignKeys: [
      { columns: ["a"], references: { schema: "main", name: "customers", columns: ["id"] } },
      { columns: ["a", "b"], references: { schema: "main", name: odd, columns: ["a", "b"] } },
    ],
  },
  {
    schema: "main",
    name: "active",
    kind: "view",
    definition: "CREATE VIEW active AS SELECT 1 AS one;\n",
    columns: [column("one", ["", "unknown"])],
  },
];

describe("an encoded catalog", () => {
  it("draws a tree for people, free of terminal controls", () => {
    assert.equal(
      encode(shop, "tree", { detail: "full" }),
      [
        "main",
        "├─ customers  table  ~1.2k rows  -- People [31m who buy",
        "│  ├─ id    BIGINT       PK NN",
        '│  ├─ name  VARCHAR(40)  NN -- As on the "card"',
        "│  ├─ 城市  TEXT         default 'Köln'",
        "│  ├─ unique index by_name (name)",
        "│  ├─ index by_lower (lower(name), 城市)",
        "│  └─ check id > 0",
        '├─ "Odd \\"name\\"\\n*x, y:z"  table',
        '│  ├─ a                        INTEGER         PK NN FK -> customers.id FK -> "Odd \\"name\\"\\n*x, y:z".a',
        '│  ├─ b                        INTEGER         PK NN FK -> "Odd \\"name\\"\\n*x, y:z".b',
        '│  ├─ "Odd \\"name\\"\\n*x, y:z"  NUMERIC(12, 2)',
        '│  ├─ "double a"               INTEGER         generated a * 2',
        "│  └─ primary key (a, b)",
        "└─ active  view",
        "   └─ one",
      ].join("\n"),
    );
    const ascii = encode([table("t", ["x", "y"]), table("u")], "tree", { detail: "columns", ascii: true });
    assert.equal(ascii, "t  table\n|- x  text\n`- y  text\nu  table");
  });

  it("is JSON with one object per line, unknown facts absent", () => {
    const text = encode(shop, "json", { detail: "names" });
    assert.equal(text.split("\n").length, shop.length + 2);
    assert.deepEqual(JSON.parse(text)[2], { schema: "main", name: "active", kind: "view" });
    assert.deepEqual(JSON.parse(encode(shop, "json", { detail: "full" })), shop);
    assert.equal(encode([], "json", { detail: "full" }), "[]");
  });

  it("holds nothing that its detail did not ask for", () => {
    for (const encoding of encodings) {
      assert.doesNotMatch(encode(shop, encoding, { detail: "names" }), /VARCHAR|by_name|id > 0|CREATE VIEW/i, encoding);
      assert.doesNotMatch(encode(shop, encoding, { detail: "columns" }), /by_name|id > 0|CREATE VIEW/i, encoding);
    }
  });

  it("rebuilds statements from which an engine makes the same tables", () => {
    using database = new DatabaseSync(":memory:");
    const text = encode(shop, "ddl", { detail: "full", identifierQuote: '"', defaultSchema: "main" });
    database.exec(text);
    const columns = database.prepare(
      'select name, type, "notnull" as required, dflt_value as value, pk, hidden from pragma_table_xinfo(?)',
    );
    assert.deepEqual(
      columns.all(odd).map((row) => Object.values(row)),
      [
        ["a", "INTEGER", 1, null, 1, 0],
        ["b", "INTEGER", 1, null, 2, 0],
        [odd, "NUMERIC(12, 2)", 0, null, 0, 0],
        ["double a", "INTEGER", 0, null, 0, 2],
      ],
    );
    assert.equal(columns.all("customers").map((row) => row.value)[2], "'Köln'");
    assert.equal(database.prepare("select count(*) as n from pragma_foreign_key_list(?)").get(odd)?.n, 3);
    assert.equal(database.prepare("select count(*) as n from pragma_index_list('customers')").get()?.n, 3);
    assert.deepEqual({ ...database.prepare("select * from active").get() }, { one: 1 });
  });

  it("quotes as the engine does, and says where the engine keeps no statement", () => {
    const objects = [table("a`b", ["x"], { checks: ["CHECK (x > 0)"] }), table("v", [], { kind: "view" })];
    const text = encode(objects, "ddl", { detail: "full", identifierQuote: "`" });
    assert.equal(text, "CREATE TABLE `a``b` (\n  `x` text,\n  CHECK (x > 0)\n);\n\n-- view v: the engine keeps no statement for it");
  });

  it("draws a Mermaid diagram whose names are plain words", () => {
    assert.equal(
      encode(shop, "mermaid", { detail: "columns", defaultSchema: "main" }),
      [
        "erDiagram",
        "  customers {",
        "    bigint id PK",
        '    varchar(40) name "As on the #34;card#34;"',
        '    text n_ "城市"',
        "  }",
        '  Odd_name_x_y_z["Odd #34;name#34; *x, y:z"] {',
        "    int a PK, FK",
        "    int b PK, FK",
        '    dec(12-2) Odd_name_x_y_z "Odd #34;name#34; *x, y:z"',
        '    int double_a "double a"',
        "  }",
        "  active {",
        "    unknown one",
        "  }",
        '  Odd_name_x_y_z }o--|| customers : "a"',
        '  Odd_name_x_y_z |o--|| Odd_name_x_y_z : "a, b"',
      ].join("\n"),
    );
    const reserved = table("end", ["PK", "1st", "%"]);
    const head = 'erDiagram\n  end_["end"] {\n    text PK_ "PK"\n    text n1st "1st"\n    text n_ "#37;"\n  }';
    assert.equal(encode([reserved], "mermaid", { detail: "columns" }), head);
    const clash = [
      table("a b"),
      table("a-b"),
      table("t", ["x"], { foreignKeys: [{ columns: ["x"], references: { name: "a-b", columns: [] } }] }),
    ];
    assert.match(encode(clash, "mermaid", { detail: "columns" }), /a_b\["a b"\]\n.*a_b_2\["a-b"\]\n[\s\S]*t \}o--o\| a_b_2/);
  });

  it("stands up to no objects and objects without columns in every encoding", () => {
    for (const encoding of encodings) {
      for (const detail of ["names", "columns", "full"] as const) {
        encode([], encoding, { detail });
        const text = encode([table("bare"), { name: "f", kind: "routine" }], encoding, { detail });
        assert.match(text, encoding === "mermaid" ? /bare$/ : /bare[\s\S]*f/);
      }
    }
  });

  it("draws cycles, self references and other schemas once", () => {
    const refer = (name: string, schema?: string) => ({ columns: ["x"], references: { ...(schema && { schema }), name, columns: ["x"] } });
    const objects = [
      table("a", ["x"], { schema: "s", foreignKeys: [refer("a"), refer("b")] }),
      table("b", ["x"], { schema: "s", foreignKeys: [refer("a", "s"), refer("c", "far")] }),
    ];
    const count = (encoding: CatalogEncoding, pattern: RegExp) => encode(objects, encoding, { detail: "columns" }).match(pattern)?.length;
    assert.equal(count("mermaid", /--o\|/g), 4);
    assert.equal(count("mermaid", /\["s\.a"\]/g), 1);
    assert.equal(count("tree", /FK -> (?:far\.c|a|b)\.x/g), 4);
  });
});

describe("the catalog as rows", () => {
  async function rowsOf(objects: CatalogObject[], detail: CatalogDetail, batchSize?: number) {
    await using stream = inspectRows(objects, detail, batchSize);
    const rows: Value[][] = [];
    for await (const batch of stream) {
      for (let row = 0; row < batch.length; row++) rows.push(batch.columns.map((values) => values[row] as Value));
    }
    return { names: stream.columns.map((one) => one.name), rows };
  }

  it("has one row per object for names, and one per column otherwise", async () => {
    const names = await rowsOf(shop, "names");
    assert.deepEqual(names.names, ["schema", "name", "kind", "estimated_rows", "comment"]);
    assert.deepEqual(names.rows[0], ["main", "customers", "table", 1204n, "People\u001b[31m who buy"]);
    const columns = await rowsOf(shop, "columns");
    assert.equal(columns.rows.length, 8);
    assert.deepEqual(columns.rows[0]?.slice(0, 5), ["main", "customers", "table", 1204n, "id"]);
    const path = '"Odd \\"name\\"\\n*x, y:z"';
    assert.deepEqual(columns.rows[4], ["main", odd, "table", null, "b", "INTEGER", false, 2, `${path}.b`]);
    const full = await rowsOf(shop, "full");
    assert.deepEqual(full.names.slice(-4), ["default", "generated", "indexes", "comment"]);
    assert.deepEqual(full.rows[1]?.slice(-4), [null, false, "by_name", 'As on the "card"']);
  });

  it("keeps the columns for no objects, and a row for an object without columns", async () => {
    assert.deepEqual(await rowsOf([], "columns"), { names: (await rowsOf(shop, "columns")).names, rows: [] });
    assert.deepEqual((await rowsOf([{ name: "f", kind: "routine" }], "columns")).rows, [
      [null, "f", "routine", null, null, null, null, null, null],
    ]);
  });

  it("comes in batches of the asked size and stops when the reader leaves", async () => {
    const wide = table(
      "w",
      Array.from({ length: 1600 }, (_, n) => `c${n}`),
    );
    const sizes: number[] = [];
    const stream = inspectRows([wide], "columns", 1000);
    for await (const batch of stream) sizes.push(batch.length);
    assert.deepEqual(sizes, [1000, 600]);
    const left = inspectRows([wide], "columns", 10);
    for await (const batch of left) if (batch.length > 0) break;
    for await (const _ of left) assert.fail("rows after the reader left");
  });
});

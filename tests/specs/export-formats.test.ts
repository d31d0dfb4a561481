import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Exporter } from "../../core/contract/export.ts";
import { compressionFor, formatFor, formatNamed, formats } from "../../core/export/formats.ts";

describe("formats", () => {
  it("are found by the path's ending, the compression aside", () => {
    const found = [
      "a/b.csv",
      "b.CSV.gz",
      "c.tsv.zst",
      "d.jsonl",
      "e.md",
      "f.parquet",
      "g.feather",
      "h.arrows",
      "i.xlsx",
      "j.json",
      "k.tar.ndjson",
      "l.htm",
      "m.sql",
      "n.pgsql",
      "o.db",
      "p.duckdb",
    ];
    assert.deepEqual(
      found.map((path) => formatFor(path).format),
      [
        "csv",
        "csv",
        "tsv",
        "ndjson",
        "markdown",
        "parquet",
        "arrow",
        "arrows",
        "xlsx",
        "json",
        "ndjson",
        "html",
        "sql",
        "copy",
        "sqlite",
        "duckdb",
      ],
    );
  });

  it("are found by name, or by an ending used as one", () => {
    assert.deepEqual(
      ["csv", "Parquet", "jsonl", "md", "vertical"].map((name) => formatNamed(name).format),
      ["csv", "parquet", "ndjson", "markdown", "vertical"],
    );
  });

  it("suggest a near name for an unknown one", () => {
    assert.throws(() => formatNamed("parket"), {
      code: "INPUT_INVALID",
      message: 'Unknown format "parket"',
      hint: 'Did you mean "parquet"?',
    });
    assert.throws(() => formatNamed("avro2025"), {
      code: "INPUT_INVALID",
      hint: `Use one of ${formats.map(({ format }) => format).join(", ")}`,
    });
    assert.throws(() => formatFor("out.cvs"), { code: "INPUT_INVALID", hint: 'Did you mean "csv"?' });
    assert.throws(() => formatFor("out"), { code: "INPUT_INVALID", message: 'Cannot tell the format of "out": it has no file ending' });
    assert.throws(() => formatFor("out.gz"), { code: "INPUT_INVALID" });
  });

  it("may come from a plugin", () => {
    const avro: Exporter = { format: "avro", extensions: ["avro"], encode: async function* () {} };
    assert.equal(formatFor("x.avro", [...formats, avro]), avro);
  });

  it("know their compression by the ending", () => {
    assert.deepEqual(["a.csv", "a.csv.gz", "a.csv.ZST"].map(compressionFor), [undefined, "gz", "zst"]);
  });

  it("are all in the guide, with their endings", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/exporting.md"), "utf8");
    const [section = ""] = /^## Formats$.*?(?=^## )/ms.exec(guide) ?? [];
    const rows = [...section.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)];
    assert.deepEqual(
      rows.map(([, format, endings]) => [format, endings]),
      formats.flatMap(({ format, extensions }) =>
        extensions.length === 0 ? [] : [[format, extensions.map((ending) => `\`.${ending}\``).join(" ")]],
      ),
    );
  });

  it("claim every ending once", () => {
    const endings = formats.flatMap(({ extensions }) => extensions);
    assert.equal(new Set(endings).size, endings.length);
  });
});

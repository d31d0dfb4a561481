import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { findPython } from "../support/python.ts";

const html = formatNamed("html");
const python = findPython(["html.parser"]);

/** Reads the one table of a page with Python's own parser, and counts what else there is. */
const reader = `
import json, sys
from html.parser import HTMLParser
class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.rows, self.cell, self.nul = {}, [], None, False
    def handle_starttag(self, tag, attributes):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if tag == 'tr': self.rows.append([])
        if tag in ('td', 'th'): self.cell, self.null = '', dict(attributes).get('class') == 'null'
        if tag == 'i': self.nul = True
    def handle_endtag(self, tag):
        if tag in ('td', 'th'):
            self.rows[-1].append(None if self.null else self.cell)
            self.cell = None
        if tag == 'i': self.nul = False
    def handle_data(self, data):
        if self.cell is not None: self.cell += '\\0' if self.nul else data
page = Page()
page.feed(open(sys.argv[1], encoding='utf8', newline='').read())
json.dump({'tags': page.tags, 'rows': page.rows}, sys.stdout)
`;

interface Page {
  readonly tags: Readonly<Record<string, number>>;
  readonly rows: readonly (readonly (string | null)[])[];
}

if (typeof python === "function") {
  describeExporter({
    exporter: html,
    tables: 15,
    async read(path): Promise<Found> {
      const { tags, rows } = (await python(reader, path)) as Page;
      assert.deepEqual({ ...tags, i: 0, td: 0, th: 0, tr: 0 }, { ...only, i: 0, td: 0, th: 0, tr: 0 });
      const [names = [], ...found] = rows;
      return { names: names.map((name) => name ?? ""), rows: found };
    },
  });
} else it("html is read back", { skip: python.absent });

/** Every element a page has besides cells, whatever the data. */
const only = { html: 1, head: 1, meta: 4, title: 1, style: 1, body: 1, table: 1, thead: 1, tbody: 1, p: 1 };

describe("html", () => {
  const page = async (value: Value, column: Partial<Column> = {}, name = "orders") => {
    const columns: Column[] = [{ name: "c", type: "text", nativeType: "", ...column }];
    return (await bytesOf(html, streamOf({ columns, rows: [[value]] }), { name })).toString();
  };

  it("lets data be nothing but text, in a cell, a name, a type or the title", async () => {
    const evil = `</td></title></style><script>alert(1)</script><img src=x onerror="a()" title='b'>&lt;`;
    const text = await page(evil, { name: evil, nativeType: evil }, evil);
    assert.doesNotMatch(text, /<script|<img|<\/title><\/style>/);
    assert.equal(text.match(/&lt;script&gt;alert\(1\)/g)?.length, 4);
  });

  it("forbids itself scripts, and anything from elsewhere", async () => {
    const [policy = ""] = /Content-Security-Policy" content="[^"]+/.exec(await page("x")) ?? [];
    const [, style = ""] = /<style>(.*)<\/style>/s.exec(await page("x")) ?? [];
    assert.ok(policy.includes(`'sha256-${createHash("sha256").update(style).digest("base64")}'`));
    assert.match(policy, /default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'$/);
  });

  it("aligns numbers, tells NULL from the word, and counts the rows", async () => {
    assert.match(await page(1, { type: "int" }), /<th scope="col" class="n" title="int">c<\/th>.*<td class="n">1<\/td>.*<p>1 row<\/p>/s);
    assert.match(await page(null), /<td class="null">NULL<\/td>/);
    assert.match(await page("NULL"), /<td dir="auto">NULL<\/td>/);
  });
});

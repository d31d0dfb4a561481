import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compact } from "../../core/catalog/compact.ts";
import { type Page, page } from "../../core/catalog/page.ts";
import { businessCatalog, table } from "../support/catalogs.ts";

const bytes = (text: string) => new TextEncoder().encode(text).length;

function allPages(listing: string, maxBytes: number): Page[] {
  const pages = [page(listing, { maxBytes })];
  for (let cursor = pages[0]?.cursor; cursor !== undefined; cursor = pages.at(-1)?.cursor) pages.push(page(listing, { maxBytes, cursor }));
  return pages;
}

describe("a page of a listing", () => {
  it("holds everything when it fits, without a cursor", () => {
    assert.deepEqual(page("a\nb"), { text: "a\nb", first: 1, shown: 2, total: 2 });
    assert.deepEqual(page(""), { text: "", first: 0, shown: 0, total: 0 });
  });

  it("holds whole lines within 8,000 bytes, and the cursor goes on where it stopped", () => {
    const listing = compact(businessCatalog(200, 20), { detail: "columns" });
    const pages = allPages(listing, 8_000);
    assert.ok(pages.length > 5);
    assert.equal(pages.map((one) => one.text).join("\n"), listing);
    assert.deepEqual(page(listing), pages[0]);
    let next = 1;
    for (const one of pages) {
      assert.ok(bytes(one.text) <= 8_000);
      assert.equal(one.first, next);
      assert.equal(one.total, 200);
      next += one.shown;
    }
    assert.equal(next, 201);
  });

  it("cuts a line that is too long by itself between columns and marks the cut", () => {
    const wide = table(
      "wide",
      Array.from({ length: 1600 }, (_, n) => `column_${n}`),
    );
    const listing = compact([table("a"), wide, table("z")], { detail: "columns" });
    const pages = allPages(listing, 8_000);
    assert.equal(pages[0]?.text, "a:");
    assert.match(pages[1]?.text ?? "", /^wide: column_0:text,.*,…$/);
    assert.match(pages[2]?.text ?? "", /^…column_\d+:text,.*,…$/);
    assert.match(pages.at(-1)?.text ?? "", /^….*column_1599:text\nz:$/);
    assert.equal(
      pages
        .map((one) => one.text)
        .join("\n")
        .replaceAll("…\n…", ""),
      listing,
    );
  });

  it("never exceeds its bytes, never splits a character, and loses nothing", () => {
    const text = fc.array(
      fc.string({ unit: "grapheme", maxLength: 200 }).map((line) => line.replace(/[\n…]/g, "-")),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 64, max: 300 }), (lines, maxBytes) => {
        const pages = allPages(lines.join("\n"), maxBytes);
        for (const one of pages) assert.ok(bytes(one.text) <= maxBytes && one.text.isWellFormed());
        assert.equal(
          pages
            .map((one) => one.text)
            .join("\n")
            .replaceAll("…\n…", ""),
          lines.join("\n"),
        );
      }),
    );
  });

  it("survives row estimates that drift between pages", () => {
    const long = Array.from({ length: 300 }, (_, n) => `c${n}`);
    const listing = (estimatedRows: number) => compact([table("t", long, { estimatedRows })], { detail: "columns" });
    const first = page(listing(9), { maxBytes: 1000 });
    const second = page(listing(12_345), { maxBytes: 1000, cursor: first.cursor ?? "" });
    assert.equal(second.text, allPages(listing(9), 1000)[1]?.text);
  });

  it("refuses a cursor of another listing with CONFLICT and a cursor nobody gave with INPUT_INVALID", () => {
    const listing = Array.from({ length: 50 }, (_, n) => `table_${n}`).join("\n");
    const { cursor = "" } = page(listing, { maxBytes: 100 });
    assert.throws(() => page(`${listing}\nnew`, { cursor }), { code: "CONFLICT", hint: "Ask again without a cursor" });
    const checksum = cursor.split(".")[2];
    for (const odd of ["", "x", "-1.0.00000000", "1.0", `zz.0.${checksum}`, `0.zz.${checksum}`, `1.0.${checksum}0`]) {
      assert.throws(() => page(listing, { cursor: odd }), { code: "INPUT_INVALID" });
    }
  });
});

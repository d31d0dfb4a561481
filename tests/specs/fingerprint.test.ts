import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fingerprint, shapeOf } from "../../core/sql/fingerprint.ts";
import { quoteIdentifier } from "../../core/sql/quote.ts";

describe("fingerprint", () => {
  it("is the same for statements that differ in literals, comments and spacing", () => {
    const one = fingerprint("select * from t where a = 1 and b in (1, 2, 3)");
    assert.equal(one, fingerprint("SELECT *\n FROM t -- all\n WHERE a = 'x' /* here */ AND b IN (4)"));
    assert.notEqual(one, fingerprint("select * from u where a = 1 and b in (1)"));
  });

  it("keeps no literal of any spelling", () => {
    for (const literal of [
      "'canary'",
      "'it''s canary'",
      "E'canary\\'s'",
      "$$canary$$",
      "$x$canary$x$",
      "x'ca00'",
      "'canary",
      "`it is canary`",
      '"it is canary"',
    ]) {
      assert.doesNotMatch(shapeOf(`select ${literal} from t`), /canary|ca00/i, literal);
    }
  });

  it("keeps no letter of any quoted text", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 30 }),
        (text) => !shapeOf(`select '${`canary${text}`.replaceAll("\\", "").replaceAll("'", "''")}'`).includes("canary"),
      ),
    );
  });
});

describe("quoted identifiers", () => {
  it("survive any name", () => {
    assert.equal(quoteIdentifier('a"b', '"'), '"a""b"');
    assert.equal(quoteIdentifier("a`b", "`"), "`a``b`");
    assert.throws(() => quoteIdentifier("a\0b", '"'), { code: "INPUT_INVALID" });
  });
});

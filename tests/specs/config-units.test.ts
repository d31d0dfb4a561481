import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCount, readDuration, readSize, writeDuration, writeSize } from "../../core/config/units.ts";

describe("durations and sizes", () => {
  it("are read in every unit, as text or as a number", () => {
    assert.deepEqual(
      [" 500ms", "30s", "1.5 m", "2H", 250, "250", "0.1s"].map(readDuration),
      [500, 30_000, 90_000, 7_200_000, 250, 250, 100],
    );
    assert.deepEqual(["1B", "24KB", "1.5mb", "1 GB", 7].map(readSize), [1, 24_576, 1_572_864, 1_073_741_824, 7]);
    assert.deepEqual(["12", 12].map(readCount), [12, 12]);
  });

  it("are refused when they are none, nothing, negative, or not exact", () => {
    for (const written of [
      "",
      "s",
      "5x",
      "-1s",
      "1s2",
      "1e3s",
      "0",
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      null,
      true,
      ["1s"],
      {},
    ]) {
      assert.deepEqual([readDuration(written), readSize(written), readCount(written)], [undefined, undefined, undefined], String(written));
    }
    assert.equal(readCount("5s"), undefined);
    assert.equal(readDuration("600h"), undefined);
  });

  it("are written as they are read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 * 24 * 3_600_000 }), (millis) => assert.equal(readDuration(writeDuration(millis)), millis)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => assert.equal(readSize(writeSize(bytes)), bytes)),
    );
    assert.deepEqual([writeDuration(30_000), writeDuration(90_000), writeSize(4_194_304)], ["30s", "90s", "4MB"]);
  });
});

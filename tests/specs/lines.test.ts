import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { frame, frameReader } from "../../core/connection/seat/frames.ts";
import { lineReader } from "../../core/server/lines.ts";

describe("lines", () => {
  it("come whole however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, unit: "grapheme" }).map((text) => text.replaceAll(/\s/g, "_"))),
        fc.integer({ min: 1, max: 7 }),
        (texts, step) => {
          const read: string[] = [];
          const feed = lineReader(1_000_000, { line: (text) => read.push(text), tooLong: () => assert.fail("none is too long") });
          const bytes = new TextEncoder().encode(texts.map((text) => `${text}\r\n`).join(""));
          for (let at = 0; at < bytes.length; at += step) feed(bytes.subarray(at, at + step));
          assert.deepEqual(read, texts);
        },
      ),
    );
  });

  it("that are too long are dropped once and reported once, and the next one is read", () => {
    const read: string[] = [];
    const tooLong: string[] = [];
    const feed = lineReader(10, { line: (text) => read.push(text), tooLong: (head) => tooLong.push(head) });
    for (const piece of ["01234567", "89abcdef", "ghijklmn", "op\nnext\n"]) feed(new TextEncoder().encode(piece));
    assert.deepEqual(tooLong, ["0123456789abcdef"]);
    assert.deepEqual(read, ["next"]);
  });
});

describe("frames", () => {
  it("carry every kind of value exactly, however the bytes are cut", () => {
    const message = {
      big: 2n ** 90n,
      bytes: new Uint8Array([0, 255]),
      nan: Number.NaN,
      minus: -0,
      text: "a\0b\u{1f600}",
      none: null,
      list: [1, [2n]],
    };
    const bytes = Buffer.concat([...frame(message), ...frame("second")]);
    for (const step of [1, 3, 5, bytes.length]) {
      const read: unknown[] = [];
      const feed = frameReader((got) => read.push(got));
      for (let at = 0; at < bytes.length; at += step) feed(bytes.subarray(at, at + step));
      assert.deepEqual(read, [message, "second"]);
    }
  });
});

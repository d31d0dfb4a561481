import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import { unzstd } from "../../core/export/zstd-frames.ts";

async function* cut(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function read(bytes: Uint8Array, step = 1000): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of unzstd(cut(bytes, step))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that do not compress. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: length / 32 }, (_, index) => createHash("sha256").update(`${index}`).digest());
  return Buffer.concat(blocks);
}

describe("zstd frames", () => {
  const contents = [Buffer.alloc(0), Buffer.from("a\n"), Buffer.alloc(400_000, "x"), noise(320_000), Buffer.from("row\n".repeat(100_000))];
  const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const frames = contents.flatMap((content) => [zstdCompressSync(content), zstdCompressSync(content, checksum)]);
  const whole = Buffer.concat(contents.flatMap((content) => [content, content]));

  it("are read one after the other, however they are cut", async () => {
    for (const step of [1, 13, 65_536]) assert.ok((await read(Buffer.concat(frames), step)).equals(whole), `by ${step}`);
  });

  it("may have others between them that hold no data", async () => {
    const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("abc")]);
    assert.ok((await read(Buffer.concat(frames.flatMap((frame) => [skippable, frame])))).equals(whole));
    assert.equal((await read(skippable)).length, 0);
  });

  it("fail when they are cut off at any place, or are none", async () => {
    const frame = zstdCompressSync("tide,gate\n".repeat(50), checksum);
    for (let length = 1; length < frame.length; length++) await assert.rejects(read(frame.subarray(0, length)), `${length} bytes`);
    await assert.rejects(read(Buffer.concat([frame, Buffer.from("more")])));
    await assert.rejects(read(Buffer.from("id,name\n")));
  });
});

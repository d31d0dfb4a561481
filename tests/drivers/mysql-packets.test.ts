import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, it, mock } from "node:test";
import { shortestFloat } from "../../plugins/mysql/values/cell.ts";
import { PacketStream } from "../../plugins/mysql/wire/packet-stream.ts";

const frameBytes = 0xffffff;

function frame(length: number, fill: number): Buffer {
  const bytes = Buffer.alloc(length + 4, fill);
  bytes.writeUIntLE(length, 0, 3);
  return bytes;
}

describe("mysql, packets of several frames", () => {
  const arriving = () => {
    const socket = new Duplex({ read: () => undefined, write: (_, __, done) => done() });
    return { socket, packets: new PacketStream(socket, false) };
  };

  it("are put together with what came before and comes after, also where the last frame is empty", async () => {
    const { socket, packets } = arriving();
    for (const bytes of [frame(3, 1), frame(frameBytes, 2), frame(5, 3), frame(frameBytes, 4), frame(0, 0), frame(2, 6)])
      socket.push(bytes);
    const next = async () => {
      await packets.next();
      const bytes = packets.bytes.subarray(packets.start, packets.end);
      return [bytes.length, bytes[0], bytes.at(-1)];
    };
    assert.deepEqual(await next(), [3, 1, 1]);
    assert.deepEqual(await next(), [frameBytes + 5, 2, 3]);
    assert.deepEqual(await next(), [frameBytes, 4, 4]);
    assert.deepEqual(await next(), [2, 6, 6]);
  });

  it("are copied a fixed number of times, however many frames there are", async () => {
    const { socket, packets } = arriving();
    const frames = 8;
    let copied = 0;
    const copy = Buffer.prototype.copy;
    const watched = mock.method(Buffer.prototype, "copy", function (this: Buffer, ...args: Parameters<Buffer["copy"]>) {
      const bytes = copy.apply(this, args);
      copied += bytes;
      return bytes;
    });
    try {
      const next = packets.next();
      for (let count = 0; count < frames; count++) {
        socket.push(frame(frameBytes, 7));
        await new Promise(setImmediate);
      }
      socket.push(frame(1, 8));
      await next;
    } finally {
      watched.mock.restore();
    }
    assert.equal(packets.end - packets.start, frames * frameBytes + 1);
    assert.ok(copied <= 2.5 * frames * frameBytes, `copied ${copied}`);
  });
});

describe("mysql, floats of 32 bits", () => {
  it("come in no more than nine digits, and mean the same", () => {
    const view = new DataView(new ArrayBuffer(4));
    for (let step = 0; step < 50_000; step++) {
      view.setUint32(0, (step * 2_654_435_761) >>> 0);
      const value = view.getFloat32(0);
      if (!Number.isFinite(value)) continue;
      const short = shortestFloat(value);
      assert.equal(Math.fround(short), value);
      assert.ok(String(short) === String(Number(short.toPrecision(9))), String(short));
    }
  });
});

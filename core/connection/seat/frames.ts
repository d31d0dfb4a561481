import { readSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";

/** Below this, copying is cheaper than a second write. */
const smallBytes = 64 * 1024;

/** One message as bytes: four bytes of length, then the value as the runtime clones it (bigint, bytes and typed arrays included). */
export function frame(message: unknown): Uint8Array[] {
  const body = serialize(message);
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE(body.length);
  return body.length < smallBytes ? [Buffer.concat([head, body])] : [head, body];
}

/** Returns a function that takes bytes as they arrive and calls `receive` for each whole message. */
export function frameReader(receive: (message: unknown) => void): (bytes: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let held = 0;
  let wanted = 4;
  let readingBody = false;
  return (bytes) => {
    parts.push(bytes);
    held += bytes.length;
    while (held >= wanted) {
      const all = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      const unit = all.subarray(0, wanted);
      parts = [all.subarray(wanted)];
      held -= wanted;
      if (readingBody) receive(deserialize(unit));
      wanted = readingBody ? 4 : new DataView(unit.buffer, unit.byteOffset, 4).getUint32(0, true);
      readingBody = !readingBody;
    }
  };
}

/** Waits for one whole message on a file descriptor; `undefined` when the writer has gone. */
export function readFrame(file: number): unknown {
  const head = readFully(file, 4);
  const body = head && readFully(file, head.readUInt32LE());
  return body && deserialize(body);
}

/** Writes all bytes to a file descriptor, however few it takes at once. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readFully(file: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const got = readSync(file, bytes, at, length - at, null);
    if (got === 0) return undefined;
    at += got;
  }
  return bytes;
}

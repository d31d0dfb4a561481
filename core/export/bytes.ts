/** Takes so many bytes off the front of a stream; none, at its very end, only where that is said to be fine. */
export type Take = (count: number, few?: "or none") => Promise<Buffer>;

/** What ended before the bytes that were wanted of it. */
export class CutOff extends Error {}

export function createTaker(chunks: AsyncIterable<Uint8Array>): Take {
  const source = chunks[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let size = 0;
  return async (count, few) => {
    while (size < count) {
      const next = await source.next();
      if (!next.done) {
        held.push(next.value);
        size += next.value.length;
      } else if (few && size === 0) return Buffer.alloc(0);
      else throw new CutOff("The end came too early");
    }
    const all = Buffer.concat(held);
    held = [all.subarray(count)];
    size -= count;
    return all.subarray(0, count);
  };
}

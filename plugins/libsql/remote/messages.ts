/**
 * Cuts a stream of messages, each after its length, so that every piece is one of them. For each message it takes,
 * the package copies all it was given and has not read: larger pieces cost their square.
 */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let length = lengthReader();
  let left: number | undefined;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      left ??= length(chunk[at++] as number);
      if (left === undefined) continue;
      const taken = Math.min(left, chunk.length - at);
      left -= taken;
      at += taken;
      if (left > 0) continue;
      const last = chunk.subarray(start, at);
      yield parts.length === 0 ? last : Buffer.concat([...parts, last]);
      [parts, start, left, length] = [[], at, undefined, lengthReader()];
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  // What the package says of a message without its end.
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** Takes the bytes of a number, seven bits in each, the lowest first; gives it after the last one. */
function lengthReader(): (byte: number) => number | undefined {
  let [value, place] = [0, 1];
  return (byte) => {
    value += (byte & 0x7f) * place;
    place *= 128;
    return byte < 0x80 ? value : undefined;
  };
}

/** Splits bytes into lines; a line over `most` bytes is dropped as it arrives and reported once, so memory stays bounded. */
export function lineReader(most: number, on: { line(text: string): void; tooLong(head: string): void }): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let held = 0;
  let dropping = false;

  const keep = (bytes: Uint8Array) => {
    if (dropping) return;
    parts.push(bytes);
    held += bytes.length;
    if (held <= most) return;
    on.tooLong(decoder.decode(Buffer.concat(parts).subarray(0, 4096)));
    dropping = true;
    parts = [];
  };
  const endLine = () => {
    if (!dropping) {
      const text = decoder.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts)).trim();
      if (text !== "") on.line(text);
    }
    parts = [];
    held = 0;
    dropping = false;
  };

  return (bytes) => {
    let from = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      keep(bytes.subarray(from, at));
      endLine();
      from = at + 1;
    }
    if (from < bytes.length) keep(bytes.slice(from));
  };
}

const quote = 34;
const comma = 44;

/** A CSV row with its floats as JavaScript writes them. Bytes stand for themselves, as characters up to U+00FF. */
export function rewriteFloats(row: string, floats: readonly number[]): string {
  let text = "";
  let done = 0;
  let start = 0;
  let field = 0;
  let quoted = false;
  for (let at = 0; at <= row.length; at++) {
    const code = row.charCodeAt(at);
    if (code === quote) quoted = !quoted;
    if (at < row.length && (quoted || code !== comma)) continue;
    if (at > start && floats.includes(field)) {
      text += row.slice(done, start) + numberText(Number(row.slice(start, at)));
      done = at;
    }
    start = at + 1;
    field++;
  }
  return text + row.slice(done);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

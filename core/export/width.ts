/** Wide and fullwidth blocks of Unicode's East Asian Width below U+10000, and above. */
const wideLow =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6]/;
const wideHigh = /[\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;
/** Shown as a picture by default, or asked to be by a variation selector. */
const emoji = /\p{Emoji_Presentation}|\ufe0f/u;
const zero = /^[\p{Mark}\p{Cf}]*$/u;
const ascii = /^[\x20-\x7e]*$/;
const segmenter = new Intl.Segmenter();

/** Counts the terminal cells a text takes: 2 for East Asian and emoji, 0 for marks alone. */
export function textWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += segmentWidth(segment);
  return width;
}

/** Cuts a text to `width` cells, the last of them `…`. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const { segment } of segmenter.segment(text)) {
    used += segmentWidth(segment);
    if (used > width) break;
    cut += segment;
  }
  return `${cut}…`;
}

function segmentWidth(segment: string): number {
  if (zero.test(segment)) return 0;
  return wideLow.test(segment) || wideHigh.test(segment) || emoji.test(segment) ? 2 : 1;
}

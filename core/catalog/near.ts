/** Sorts out, before the costly comparison, what cannot be near: every edit changes the length and the set of letters by one at most. */
export function likelyNear(word: string): (text: string) => boolean {
  const slack = Math.max(1, Math.floor(word.length / 3));
  const letters = lettersOf(word);
  return (text) => {
    if (text.length <= 2 || Math.abs(text.length - word.length) > slack) return false;
    const other = lettersOf(text);
    return countBits(letters & ~other) <= slack && countBits(other & ~letters) <= slack;
  };
}

/** Which of 32 kinds of letters occur, as bits. */
function lettersOf(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits |= 1 << (text.charCodeAt(at) & 31);
  return bits;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

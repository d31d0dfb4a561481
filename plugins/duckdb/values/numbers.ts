/** Keeps an integer as a number where that is exact, and as a bigint beyond. */
export function integer(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** Writes an unscaled decimal with all of its digits after the point. */
export function decimalText(unscaled: number | bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const negative = unscaled < 0;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${negative ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The shortest double that is this 32-bit float again when rounded: 0.1, not 0.10000000149011612. */
export function shortestFloat(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) <= 2 ** 24) return value;
  // Six digits always survive a normal float; only denormal ones may need fewer.
  for (let digits = Math.abs(value) < 1.2e-38 ? 1 : 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
}

/** Repeatable chance: the same seed gives the same numbers on every machine and runtime. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** A position below `count`, the early ones a little more often than the late ones. */
  early(count: number): number;
  /** A position below `count`, a few early ones most of the time: a long tail. */
  longTail(count: number): number;
}

/**
 * Mulberry32. Only integer arithmetic and products follow from it, never `Math.pow` or `Math.log`,
 * whose last digit differs between engines.
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    whole,
    chance: (probability) => next() < probability,
    pick: (items) => items[whole(0, items.length - 1)] ?? items[0],
    early: (count) => Math.min(whole(0, count - 1), whole(0, count - 1)),
    longTail(count) {
      const drawn = next();
      return Math.floor(drawn * drawn * count);
    },
  };
}

const digits = `(${Array.from({ length: 10 }, (_, digit) => `select ${digit} as n`).join(" union all ")})`;
const places = Array.from({ length: 12 }, (_, index) => index);
const tables = places.map((index) => `${digits} as d${11 - index}`).join(" straight_join ");
const sum = `1${places.map((index) => ` + ${10 ** index} * d${index}.n`).join("")}`;

/** Numbers from 1 upwards, each with a text of 200 characters. */
export const numbersOnMariaDb = (count: number): string => `select seq, lpad(seq, 200, '0') from seq_1_to_${count}`;

/**
 * The same. MySQL has no engine of numbers: nested loops
 * over ten digits give them in order, and as a stream.
 */
export const numbersOnMySql = (count: number): string =>
  `select /*+ no_bnl() */ ${sum} as seq, lpad(${sum}, 200, '0') from ${tables} limit ${count}`;

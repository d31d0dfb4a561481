/** A point on the calendar as an engine wrote it. */
export interface Moment {
  /** Days since 1970-01-01, proleptic Gregorian. */
  readonly days: number;
  /** Microseconds since midnight; absent when the text is a date alone. */
  readonly micros?: number;
  /** Seconds east of UTC; absent when the text names no zone. */
  readonly offset?: number;
}

const moment = /^(\d{4,6})-(\d\d)-(\d\d)( \(BC\))?(?:[ T](\d\d:[\d:.]+) ?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?( BC)?$/;
const clock = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?$/;
const dayMicros = 86_400_000_000;

/** Reads an engine's date or timestamp text, BC included; `undefined` for any other text, infinity, or more than microseconds. */
export function readMoment(text: string): Moment | undefined {
  const match = moment.exec(text);
  if (!match) return undefined;
  const bc = match[4] !== undefined || match[7] !== undefined;
  const days = daysOf(bc ? 1 - Number(match[1]) : Number(match[1]), Number(match[2]), Number(match[3]));
  if (days === undefined || match[5] === undefined) return days === undefined ? undefined : { days };
  const micros = readTime(match[5]);
  if (micros === undefined || micros >= dayMicros) return undefined;
  return { days, micros, ...(match[6] !== undefined && { offset: offsetOf(match[6]) }) };
}

/** Reads a time of day as microseconds since midnight, 24:00:00 included; `undefined` for any other text. */
export function readTime(text: string): number | undefined {
  const match = clock.exec(text);
  if (!match) return undefined;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (minute > 59 || second > 59) return undefined;
  const micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + Number((match[4] ?? "").padEnd(6, "0"));
  return micros <= dayMicros ? micros : undefined;
}

function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const digits = zone.replaceAll(/\D/g, "").padEnd(6, "0");
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4, 6));
  return zone.startsWith("-") ? -seconds : seconds;
}

/** Counts days from 1970-01-01; year 0 is 1 BC. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const longest = month === 2 ? (leap ? 29 : 28) : 30 + ((month + (month >> 3)) & 1);
  if (month < 1 || month > 12 || day < 1 || day > longest) return undefined;
  // Counting years from March puts the leap day last, and makes month lengths a straight line.
  const years = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) + ofYear - 719_468;
}

/** Dates and times as DuckDB itself writes them, from the numbers it stores. */

const microsPerDay = 86_400_000_000;
const nanosPerDay = 86_400_000_000_000n;
const infinity = 2n ** 63n - 1n;
const infiniteDays = 2 ** 31 - 1;

/** Writes days since 1970. Remembers the day before: rows often share one. */
export function dateWriter(): (days: number) => string {
  let last = Number.NaN;
  let text = "";
  return (days) => {
    if (days !== last) {
      last = days;
      text = dateText(days);
    }
    return text;
  };
}

/** The proleptic Gregorian calendar, by the civil-from-days reckoning: March starts the year, so leap days come last. */
function dateText(days: number): string {
  if (days === infiniteDays) return "infinity";
  if (days === -infiniteDays) return "-infinity";
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1;
  const month = march < 10 ? march + 3 : march - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const written = String(year > 0 ? year : 1 - year).padStart(4, "0");
  return `${written}-${two(month)}-${two(day)}${year > 0 ? "" : " (BC)"}`;
}

/** Microseconds since midnight, or since any hour zero: more than 24 hours are fine. */
export function timeText(micros: number): string {
  return clock(Math.floor(micros / 1_000_000), micros % 1_000_000, 6);
}

export function timeNanosText(nanos: bigint): string {
  return clock(Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n), 9);
}

/** The upper 40 bits are microseconds; the lower 24 the offset in seconds, counted down from +15:59:59. */
export function timeTzText(bits: bigint): string {
  return timeText(Number(bits >> 24n)) + offsetText(57_599 - Number(bits & 0xff_ffffn));
}

/** Writes a count of units since 1970. `exact` is asked for it when a double cannot hold it in microseconds. */
export function timestampWriter(microsPerUnit: number): (units: number, exact: () => bigint, zone: string) => string {
  const date = dateWriter();
  return (units, exact, zone) => {
    const micros = units * microsPerUnit;
    if (!Number.isSafeInteger(micros)) return farTimestamp(exact(), BigInt(microsPerUnit), date, zone);
    const days = Math.floor(micros / microsPerDay);
    return `${date(days)} ${timeText(micros - days * microsPerDay)}${zone}`;
  };
}

function farTimestamp(units: bigint, microsPerUnit: bigint, date: (days: number) => string, zone: string): string {
  if (units === infinity) return "infinity";
  if (units === -infinity) return "-infinity";
  const micros = units * microsPerUnit;
  const inDay = modulo(micros, BigInt(microsPerDay));
  return `${date(Number((micros - inDay) / BigInt(microsPerDay)))} ${timeText(Number(inDay))}${zone}`;
}

export function timestampNanosText(nanos: bigint, date: (days: number) => string): string {
  if (nanos === infinity) return "infinity";
  if (nanos === -infinity) return "-infinity";
  const inDay = modulo(nanos, nanosPerDay);
  return `${date(Number((nanos - inDay) / nanosPerDay))} ${timeNanosText(inDay)}`;
}

export function intervalText(months: number, days: number, micros: bigint): string {
  const parts = [counted(Math.trunc(months / 12), "year"), counted(months % 12, "month"), counted(days, "day")].filter(
    (part) => part !== "",
  );
  if (micros !== 0n || parts.length === 0) {
    const size = micros < 0n ? -micros : micros;
    parts.push((micros < 0n ? "-" : "") + clock(Number(size / 1_000_000n), Number(size % 1_000_000n), 6));
  }
  return parts.join(" ");
}

function counted(count: number, unit: string): string {
  return count === 0 ? "" : `${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`;
}

function clock(seconds: number, fraction: number, digits: number): string {
  const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? whole : `${whole}.${String(fraction).padStart(digits, "0").replace(/0+$/, "")}`;
}

function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return (seconds < 0 ? "-" : "+") + parts.map(two).join(":");
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** What a written value was read as; `undefined` means it was not understood. */
export type Read<Value> = (written: unknown) => Value | undefined;

const durations = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const sizes = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/** Timers of JavaScript runtimes fire at once beyond 2^31 milliseconds, so longer limits would be none. */
const longestMillis = 24 * 24 * durations.h;

/** Reads `30s`, `1.5h`, or a number of milliseconds. */
export const readDuration: Read<number> = (written) => {
  const millis = readQuantity(written, durations);
  return millis !== undefined && millis <= longestMillis ? millis : undefined;
};

/** Reads `24KB`, `4MB`, or a number of bytes; a KB is 1024 bytes. */
export const readSize: Read<number> = (written) => readQuantity(written, sizes);

/** Reads a whole number from 1, also as text, because environment variables are text. */
export const readCount: Read<number> = (written) => readQuantity(written, {});

/** Writes milliseconds as `readDuration` reads them, in the largest unit that keeps them exact. */
export const writeDuration = (millis: number): string => writeQuantity(millis, durations);

/** Writes bytes as `readSize` reads them, in the largest unit that keeps them exact. */
export const writeSize = (bytes: number): string => writeQuantity(bytes, sizes);

function readQuantity(written: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] =
    /^\s*(\d{1,16}(?:\.\d{1,6})?)\s*([a-z]*)\s*$/i.exec(
      typeof written === "number" ? String(written) : typeof written === "string" ? written : "",
    ) ?? [];
  if (digits === undefined) return undefined;
  const factor = Object.entries(units).find(([name]) => name.toLowerCase() === unit?.toLowerCase())?.[1] ?? Number.NaN;
  const quantity = unit ? Math.round(Number(digits) * factor) : Number(digits);
  return Number.isSafeInteger(quantity) && quantity >= 1 ? quantity : undefined;
}

function writeQuantity(quantity: number, units: Readonly<Record<string, number>>): string {
  const [unit, factor] = Object.entries(units).findLast(([, size]) => quantity % size === 0) ?? ["", 1];
  return `${quantity / factor}${unit}`;
}

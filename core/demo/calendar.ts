/** The demo's own time: three whole years, so that comparisons between them are fair. */
export const firstDay = Date.UTC(2023, 0, 1);
export const afterLastDay = Date.UTC(2026, 0, 1);
export const dayMillis = 86_400_000;

/** Sunday first. */
const weekdays = [1.24, 0.96, 0.9, 0.92, 0.98, 1.08, 1.3] as const;
/** January first: sales in July, presents in November and December. */
const months = [0.92, 0.86, 0.95, 0.98, 1.0, 0.97, 1.06, 0.9, 0.97, 1.03, 1.42, 1.5] as const;
const growthPerYear = 0.28;

/** How busy a day is, 1 being an average day of the first year. */
export function busyness(day: number): number {
  const date = new Date(day);
  const years = (day - firstDay) / (365.25 * dayMillis);
  return (weekdays[date.getUTCDay()] ?? 1) * (months[date.getUTCMonth()] ?? 1) * (1 + growthPerYear * years);
}

/** Splits `total` over the days from `from` to `to` by how busy they are; every part is whole and they add up. */
export function spread(total: number, from: number, to: number): { readonly day: number; readonly count: number }[] {
  const days = Array.from({ length: (to - from) / dayMillis }, (_, index) => from + index * dayMillis);
  const weights = days.map(busyness);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let passed = 0;
  let given = 0;
  return days.map((day, index) => {
    passed += weights[index] ?? 0;
    const count = Math.round((passed / whole) * total) - given;
    given += count;
    return { day, count };
  });
}

/** `2024-02-29 18:30:05` */
export function timestamp(millis: number): string {
  return new Date(millis).toISOString().slice(0, 19).replace("T", " ");
}

export function date(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}

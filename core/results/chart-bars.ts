import type { ColumnProfile } from "./profile.ts";
import { distinctText, share, short } from "./profile-text.ts";

/** One bar of a picture. */
export interface Bar {
  readonly label: string;
  readonly rows: number;
}

/** Up to so many different values say more by themselves than steps between them do. */
const fewValues = 5;

/** What is drawn of a column: steps along its axis, or its most frequent values; nothing where none repeats. */
export function barsOf(column: ColumnProfile): readonly Bar[] {
  const { bins, axis, top, distinct } = column;
  if (bins === undefined || (distinct <= fewValues && top.length === distinct))
    return top.map(({ value, rows }) => ({ label: short(value) || '""', rows }));
  const label = axis === "time" ? timeLabel(column) : numberLabel((bins.at(-1)?.high ?? 0) - (bins[0]?.low ?? 0));
  return bins.map(({ low, high, rows }) => ({ label: `${label(low)} … ${label(high)}`, rows }));
}

/** A column's facts, the most telling first. */
export function factsOf({ column, nulls, distinct, about, min, max, quantiles, lengths }: ColumnProfile, rows: number): string[] {
  const [, median] = quantiles ?? [];
  return [
    column.nativeType || column.type,
    nulls === 0 ? "no nulls" : `${nulls.toLocaleString("en-US")} nulls (${share(nulls, rows)})`,
    `${distinctText({ distinct, about })} distinct`,
    ...(min !== undefined && max !== undefined ? [`${short(min)} to ${short(max)}`] : []),
    ...(median === undefined ? [] : [`median ${short(median)}`]),
    ...(lengths === undefined ? [] : [`length ${lengths.min === lengths.max ? lengths.min : `${lengths.min} to ${lengths.max}`}`]),
  ];
}

/** As many digits as tell the steps apart. */
function numberLabel(span: number): (value: number) => string {
  const step = span / 8;
  const digits = Number.isFinite(step) && step > 0 ? Math.max(0, Math.min(15, 1 - Math.floor(Math.log10(step)))) : 0;
  return (value) => {
    if (Math.abs(value) >= 1e15 || (value !== 0 && Math.abs(value) < 1e-9)) return value.toPrecision(4);
    return value.toLocaleString("en-US", { maximumFractionDigits: step >= 10 ? 0 : digits });
  };
}

const day = 86_400;

/** Seconds since 1970, or since midnight, as far as the steps need it. */
function timeLabel({ bins = [], column: { type } }: ColumnProfile): (seconds: number) => string {
  const step = ((bins.at(-1)?.high ?? 0) - (bins[0]?.low ?? 0)) / 8;
  return (seconds) => {
    const moment = new Date(seconds * 1000);
    // Further off than a Date can be.
    if (Number.isNaN(moment.getTime())) return `${Math.round(1970 + seconds / (365.2425 * day))}`;
    const text = moment.toISOString();
    const [date = "", time = ""] = text.split("T");
    const clock = time.slice(0, step >= 60 ? 5 : step >= 1 ? 8 : 12);
    if (type === "time") return clock;
    return type === "date" || step >= day ? date : `${date} ${clock}`;
  };
}

import type { RoleEntry } from "./schema.ts";

type Hours = NonNullable<RoleEntry["hours"]>;

/** Whether a moment lies in the hours of a role; a window may cross midnight and then belongs to the day it began. */
export function isOpen({ days, from, to, zone = "UTC" }: Hours, now: Date): boolean {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: string): string => parts.find((entry) => entry.type === type)?.value ?? "";
  const time = `${part("hour")}:${part("minute")}`;
  const week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
  const today = (week as readonly string[]).indexOf(part("weekday").toLowerCase());
  const on = (day: number): boolean => days === undefined || days.some((name) => name === week[(day + 7) % 7]);
  if (from <= to) return on(today) && time >= from && time < to;
  return (on(today) && time >= from) || (on(today - 1) && time < to);
}

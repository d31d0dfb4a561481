import type { Io } from "./io.ts";

export interface Progress {
  show(done: { readonly rows: number; readonly bytes: number }): void;
  /** Takes the bar away; what follows is an ordinary line. */
  end(): void;
}

const everyMillis = 100;
const width = 24;

/** Draws rows, bytes, rate and, when the total is known, a bar and the time left. Nothing when nobody watches. */
export function createProgress(io: Io, total: number | undefined): Progress {
  const started = performance.now();
  let drawn = 0;
  return {
    show(done) {
      const now = performance.now();
      if (!io.lively || now - drawn < everyMillis) return;
      drawn = now;
      io.redraw(progressLine(done, (now - started) / 1000, total));
    },
    end: () => io.redraw(""),
  };
}

/** One line of progress after so many seconds. */
export function progressLine(
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  seconds: number,
  total: number | undefined,
): string {
  const rate = rows / Math.max(seconds, 0.001);
  const facts = `${rows.toLocaleString("en")} rows  ${(bytes / 1e6).toFixed(1)} MB  ${Math.round(rate).toLocaleString("en")} rows/s`;
  if (total === undefined || total <= 0 || rows > total) return facts;
  const share = rows / total;
  const bar = "█".repeat(Math.round(share * width)).padEnd(width, "░");
  const left = rate > 0 ? `  ${Math.ceil((total - rows) / rate)} s left` : "";
  return `${bar} ${Math.floor(share * 100)} %  ${facts}${left}`;
}

import { visible } from "../export/visible.ts";
import { cutText, textWidth } from "../export/width.ts";
import { type Bar, barsOf, factsOf } from "./chart-bars.ts";
import type { ColumnProfile, Profile } from "./profile.ts";
import { profileHead } from "./profile-text.ts";

export interface ChartPlace {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
}

/** Bars are no longer than this: a longer one says no more. */
const longestBar = 40;
const longestLabel = 32;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Draws a profile for a terminal, column after column: bars over equal steps, or of the values that repeat most. */
export function chart(profile: Profile, place: ChartPlace): string {
  const parts = profile.columns.map((column) => columnChart(column, profile, place));
  return [`${cutText(profileHead(profile), place.width)}\n`, ...parts].join("\n");
}

function columnChart(column: ColumnProfile, { rows }: Profile, place: ChartPlace): string {
  const { name } = column.column;
  const shown = cutText(visible(name), Math.max(8, place.width - 20));
  const room = place.width - textWidth(shown) - 2;
  const facts = room > 4 ? `  ${cutText(visible(factsOf(column, rows).join(", ")), room)}` : "";
  const head = place.colour ? `\u001b[1m${shown}\u001b[22m\u001b[2m${facts}\u001b[22m` : `${shown}${facts}`;
  return `${head}\n${lines(barsOf(column), rows, place)}`;
}

function lines(bars: readonly Bar[], rows: number, { width, colour }: ChartPlace): string {
  const widest = Math.max(0, ...bars.map(({ label }) => textWidth(visible(label))));
  const labels = Math.min(widest, longestLabel, Math.max(4, Math.floor(width / 2)));
  const counts = Math.max(0, ...bars.map((bar) => countText(bar).length));
  const room = Math.min(longestBar, width - labels - counts - 6);
  const most = Math.max(1, ...bars.map((bar) => bar.rows));
  return bars
    .map((bar) => {
      const label = cutText(visible(bar.label), labels);
      const drawn = room < 4 ? "" : barText((bar.rows / (room > 0 ? most : rows)) * room);
      const padded = label + " ".repeat(labels - textWidth(label));
      const painted = colour && drawn !== "" ? `\u001b[36m${drawn}\u001b[39m` : drawn;
      return `  ${padded}  ${countText(bar).padStart(counts)}${drawn === "" ? "" : `  ${painted}`}\n`;
    })
    .join("");
}

const countText = ({ rows }: Bar): string => rows.toLocaleString("en-US");

function barText(cells: number): string {
  const whole = Math.floor(cells);
  const text = "█".repeat(whole) + eighths[Math.floor((cells - whole) * 8)];
  return text === "" && cells > 0 ? "▏" : text;
}

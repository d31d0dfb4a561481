import { readCount, readSize } from "../config/units.ts";
import { problem } from "../problem.ts";

/** Where one file ends and the next begins. */
export type Split = { readonly rows: number } | { readonly bytes: number };

/** Reads `rows=1000000`, `bytes=100MB`, `1000000` (rows) or `100MB`. @throws INPUT_INVALID */
export function readSplit(text: string): Split {
  const [, what, size = ""] = /^\s*(?:(rows|bytes)\s*=)?(.*)$/s.exec(text) ?? [];
  const rows = what === "bytes" ? undefined : readCount(size);
  if (rows !== undefined) return { rows };
  const bytes = what === "rows" ? undefined : readSize(size);
  if (bytes !== undefined) return { bytes };
  throw problem(
    "INPUT_INVALID",
    `Cannot read the split "${text}": wanted a number of rows, or a size with a unit`,
    "For example: rows=1000000, or bytes=100MB",
  );
}

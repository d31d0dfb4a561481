import type { StoredResult } from "../core/contract/results.ts";
import type { Io } from "./io.ts";

/** Prints the name of a result that was kept, and tells a person what can be done with it. */
export async function tellKept({ name, rows, truncated, columns }: StoredResult, io: Io): Promise<void> {
  await io.out(`${name}\n`);
  const count = `${rows} ${rows === 1 ? "row" : "rows"} of ${columns.length} ${columns.length === 1 ? "column" : "columns"}`;
  io.note(truncated === undefined ? `Kept ${count}` : `Kept the first ${count}: there are more (truncated: ${truncated})`);
  io.note(`Go on with: tidegate results query "select … from ${name}", tidegate results profile ${name}`);
}

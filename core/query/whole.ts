import type { RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import type { Room } from "./fit.ts";
import type { Prepared } from "./run.ts";

/** The setting that left rows out: a connection's own, where it is one, else a role's. */
export function settingThatCut(
  cut: keyof Room,
  { connection, narrowing }: Pick<Prepared, "connection" | "narrowing">,
  ownMaxRows: number | undefined,
): string {
  return cut === "rows" && narrowing.maxRows === ownMaxRows ? `connections.${connection}.maxRows` : `limits.${cut} of your role`;
}

/** Rows that end with an error rather than early: a file that lacks rows would not show it. @throws LIMIT_EXCEEDED */
export async function wholeRows(prepared: Prepared, ownMaxRows: number | undefined): Promise<RowStream> {
  const rows = await prepared.rows();
  return {
    columns: rows.columns,
    async *[Symbol.asyncIterator]() {
      yield* rows;
      const { cut, rows: fitted } = rows.passed;
      if (cut === false) return;
      const setting = settingThatCut(cut, prepared, ownMaxRows);
      throw problem(
        "LIMIT_EXCEEDED",
        `The result is larger than ${setting} allows: ${fitted} ${fitted === 1 ? "row fits" : "rows fit"}`,
        setting.startsWith("connections.")
          ? `Narrow the query, or raise the limit (${setting})`
          : "Narrow the query, or have the limit raised",
      );
    },
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}

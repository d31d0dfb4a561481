import { z } from "zod";
import type { InlineResult, Tool } from "../contract/tool.ts";
import { connectionArgument, paramsArgument, sqlArgument } from "./arguments.ts";

export function queryTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    sql: sqlArgument,
    ...connectionArgument(connections),
    params: paramsArgument,
    max_rows: z.int().min(1).optional().describe("default 100"),
    format: z.enum(["csv", "json"]).optional(),
  });
  return {
    name: "query",
    description:
      'Runs one read-only SQL statement and returns rows as CSV: NULL is an empty field, empty text is "". The last line counts rows.',
    access: "read",
    input,
    async run({ max_rows, ...rest }: z.infer<typeof input>, call) {
      const result = await call.query({ ...rest, ...(max_rows !== undefined && { maxRows: max_rows }) });
      return rest.format === "json" ? result.text : `${result.text}-- ${footer(result)}; trace ${call.traceId}`;
    },
  };
}

function footer({ shown, total, counted, cut, setting, millis }: InlineResult): string {
  const rows = (count: number) => `${count} ${count === 1 ? "row" : "rows"}`;
  if (cut === undefined) return `${rows(shown)} in ${millis} ms`;
  const all = counted === "all" ? rows(total) : `at least ${rows(total)}`;
  if (cut === "bytes" && setting === undefined) return `${shown} of ${all}: the answer is full: select less, or use export`;
  if (setting === undefined) return `${shown} of ${all}: raise max_rows, narrow the query, or use export`;
  // A limit of the connection or of a role holds for exports as well.
  const instead = setting === "limits.maxRows" ? "narrow the query, or use export" : "narrow the query";
  return `${shown} of ${all}: ${setting} allows no more: ${instead}`;
}

import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { connectionArgument, paramsArgument, sqlArgument } from "./arguments.ts";
import { footer } from "./footer.ts";

export function queryTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    sql: sqlArgument.optional(),
    ...connectionArgument(connections, "optional"),
    params: paramsArgument,
    max_rows: z.int().min(1).optional().describe("default 100"),
    format: z.enum(["csv", "json"]).optional(),
    cursor: z.string().optional().describe("reads on in a kept result, instead of sql"),
    max_age: z.int().min(1).optional().describe("seconds: take an earlier answer"),
  });
  return {
    name: "query",
    description:
      'Runs one read-only SQL statement and returns rows as CSV: NULL is an empty field, empty text is "". The last line counts rows and names a result that was kept.',
    access: "read",
    input,
    async run({ sql, cursor, max_rows, max_age, format, ...rest }: z.infer<typeof input>, call) {
      const wish = { ...(max_rows !== undefined && { maxRows: max_rows }), ...(format && { format }) };
      if ((sql === undefined) === (cursor === undefined))
        throw problem("INPUT_INVALID", "A query needs either sql or cursor", "Pass one of them");
      const result =
        cursor !== undefined
          ? await call.page({ cursor, ...wish })
          : await call.query({ sql: sql ?? "", ...rest, ...wish, ...(max_age !== undefined && { maxAgeMillis: max_age * 1000 }) });
      return format === "json" ? result.text : `${result.text}-- ${footer(result)}; trace ${call.traceId}`;
    },
  };
}

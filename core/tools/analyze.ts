import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { connectionArgument } from "./arguments.ts";
import { footer } from "./footer.ts";

export function analyzeTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    sql: z.string().min(1).describe("DuckDB SQL over r1, r2 … and names in from"),
    from: z
      .record(z.string(), z.strictObject({ sql: z.string().min(1), ...connectionArgument(connections) }))
      .optional()
      .describe("results to fetch first, by name"),
    max_rows: z.int().min(1).optional(),
    format: z.enum(["csv", "json"]).optional(),
  });
  return {
    name: "analyze",
    description: "Runs SQL over kept results: joins, also across connections, and aggregates, without asking their databases again.",
    access: "read",
    input,
    async run({ max_rows, format, ...request }: z.infer<typeof input>, call) {
      const result = await call.analyze({ ...request, ...(max_rows !== undefined && { maxRows: max_rows }), ...(format && { format }) });
      return format === "json" ? result.text : `${result.text}-- ${footer(result)}; trace ${call.traceId}`;
    },
  };
}

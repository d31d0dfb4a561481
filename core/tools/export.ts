import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { connectionArgument, paramsArgument, sqlArgument } from "./arguments.ts";

export function exportTool(connections: readonly string[], formats: readonly string[]): Tool {
  const [first = "csv", ...others] = formats;
  const input = z.strictObject({
    sql: sqlArgument,
    ...connectionArgument(connections),
    params: paramsArgument,
    to: z.string().min(1).describe("file name in the export folder"),
    format: z
      .enum([first, ...others])
      .optional()
      .describe("default: by extension"),
    overwrite: z.boolean().optional(),
  });
  return {
    name: "export",
    description: "Writes all rows of one read-only SQL statement to a file and returns its path, rows, bytes and sha256.",
    access: "read",
    writesFiles: true,
    input,
    async run(request: z.infer<typeof input>, call) {
      const { path, rows, bytes, seconds, sha256 } = await call.export(request);
      return `${path}\n-- ${rows} ${rows === 1 ? "row" : "rows"}, ${bytes} bytes in ${seconds.toFixed(2)} s; sha256 ${sha256}; trace ${call.traceId}`;
    },
  };
}

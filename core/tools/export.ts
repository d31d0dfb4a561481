import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { connectionArgument, paramsArgument, sqlArgument } from "./arguments.ts";

export function exportTool(connections: readonly string[], formats: readonly string[]): Tool {
  const [first = "csv", ...others] = formats;
  const input = z.strictObject({
    sql: sqlArgument.optional(),
    from: z.string().optional().describe("a kept result, instead of sql"),
    ...connectionArgument(connections, "optional"),
    params: paramsArgument,
    to: z.string().optional().describe("file name in the export folder; default: automatic"),
    format: z
      .enum([first, ...others])
      .optional()
      .describe("default: by extension, else csv"),
    overwrite: z.boolean().optional(),
  });
  return {
    name: "export",
    description: "Writes all rows of one read-only SQL statement to a file and returns its path, rows, bytes and sha256.",
    access: "read",
    writesFiles: true,
    input,
    async run(request: z.infer<typeof input>, call) {
      if ((request.sql === undefined) === (request.from === undefined))
        throw problem("INPUT_INVALID", "An export needs either sql or from", "Pass one of them");
      const { path, rows, bytes, seconds, sha256 } = await call.export(request);
      return `${path}\n-- ${rows} ${rows === 1 ? "row" : "rows"}, ${bytes} bytes in ${seconds.toFixed(2)} s; sha256 ${sha256}; trace ${call.traceId}`;
    },
  };
}

import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { connectionArgument, sqlArgument } from "./arguments.ts";

export function explainTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    sql: sqlArgument,
    ...connectionArgument(connections),
    analyze: z.boolean().optional().describe("run it and measure"),
  });
  return {
    name: "explain",
    description: "Shows the engine's plan for one read-only SQL statement.",
    access: "read",
    input,
    run: (request: z.infer<typeof input>, call) => call.explain(request),
  };
}

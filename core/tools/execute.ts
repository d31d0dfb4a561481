import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { connectionArgument, paramsArgument, sqlArgument } from "./arguments.ts";

/** Writes, on the connections that are open for them. */
export function executeTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    sql: sqlArgument,
    ...connectionArgument(connections),
    params: paramsArgument,
    dry_run: z.boolean().optional().describe("try it and roll back"),
  });
  const [only] = connections;
  return {
    name: "execute",
    description: "Runs one SQL statement that changes data or tables, and says how many rows. A person may be asked first.",
    access: "write",
    input,
    async run({ dry_run, connection = only, ...rest }: z.infer<typeof input>, call) {
      const given = { ...rest, ...(connection !== undefined && { connection }), ...(dry_run && { dryRun: true }) };
      const done = await call.execute(given);
      return "question" in done ? done : `${done.text}; trace ${call.traceId}`;
    },
  };
}

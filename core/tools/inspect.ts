import { z } from "zod";
import type { Tool } from "../contract/tool.ts";
import { connectionArgument } from "./arguments.ts";
import { footer } from "./footer.ts";

export function inspectTool(connections: readonly string[]): Tool {
  const input = z.strictObject({
    ...connectionArgument(connections, "optional"),
    search: z.string().optional().describe("words or a LIKE pattern"),
    object: z.string().optional().describe("name or schema.name"),
    kind: z.enum(["table", "view", "routine", "sequence", "type", "extension"]).optional(),
    detail: z.enum(["names", "columns", "full"]).optional(),
    cursor: z.string().optional(),
  });
  return {
    name: "inspect",
    description:
      "Describes connections, tables and columns, one object a line: name(~rows): column:type*PK*NN*FK->table.column. Ask before guessing names.",
    access: "read",
    input,
    async run(request: z.infer<typeof input>, call) {
      if (/^r\d+(:\d+)?$/i.test(request.cursor ?? "")) {
        const page = await call.page({ cursor: request.cursor ?? "" });
        return `${page.text}-- ${footer(page)}`;
      }
      const { text, cursor } = await call.inspect(request);
      return cursor === undefined ? text : `${text}\n-- more: cursor ${cursor}`;
    },
  };
}

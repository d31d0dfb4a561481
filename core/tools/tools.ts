import type { Tool } from "../contract/tool.ts";
import { analyzeTool } from "./analyze.ts";
import { executeTool } from "./execute.ts";
import { explainTool } from "./explain.ts";
import { exportTool } from "./export.ts";
import { inspectTool } from "./inspect.ts";
import { queryTool } from "./query.ts";

/** The tools a caller finds, in a fixed order. Their cost must not grow with the number of connections. */
export function createTools(deps: {
  readonly connections: readonly string[];
  readonly formats: readonly string[];
  /** Connections that may be written to at all; without any there is no tool that writes. */
  readonly writable?: readonly string[];
  /** True where results are kept. */
  readonly keeps?: boolean;
}): readonly Tool[] {
  const { writable = [], keeps = false } = deps;
  return [
    queryTool(deps.connections),
    inspectTool(deps.connections),
    ...(keeps ? [analyzeTool(deps.connections)] : []),
    exportTool(deps.connections, deps.formats),
    explainTool(deps.connections),
    ...(writable.length > 0 ? [executeTool(writable)] : []),
  ];
}

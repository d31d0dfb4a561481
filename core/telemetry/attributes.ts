/**
 * Every attribute name a span may carry. Sources: OpenTelemetry semantic conventions 1.45 for `db.*`,
 * `error.*` and `service.*`; the GenAI conventions' MCP page for `mcp.*` and `gen_ai.*`; `tidegate.*`
 * is ours. There is no name for SQL text on purpose: `fingerprint` is the statement without its literals.
 */
export const attribute = {
  mcpMethod: "mcp.method.name",
  mcpSession: "mcp.session.id",
  transport: "network.transport",
  operation: "gen_ai.operation.name",
  tool: "gen_ai.tool.name",
  dbSystem: "db.system.name",
  dbNamespace: "db.namespace",
  dbOperation: "db.operation.name",
  dbReturnedRows: "db.response.returned_rows",
  errorType: "error.type",
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstance: "service.instance.id",
  processId: "process.pid",
  verb: "tidegate.verb",
  connection: "tidegate.connection",
  fingerprint: "tidegate.sql.fingerprint",
  affectedRows: "tidegate.affected_rows",
  truncated: "tidegate.truncated",
  bytes: "tidegate.bytes",
  droppedSpans: "tidegate.dropped_spans",
} as const;

export type AttributeValue = string | number | boolean;

/** What `undefined` names is left out, so that callers can pass what they may not know. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

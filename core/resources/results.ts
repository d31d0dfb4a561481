import type { Call, Tool } from "../contract/tool.ts";
import { type Problem, problem } from "../problem.ts";

/** What MCP calls a resource, as its list shows it. */
export interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType: string;
}

/** What is read of one: text, or bytes in base64. */
export interface ReadResource {
  readonly uri: string;
  readonly mimeType: string;
  readonly text?: string;
  readonly blob?: string;
}

const types: Readonly<Record<string, { readonly mimeType: string; readonly binary?: true }>> = {
  csv: { mimeType: "text/csv" },
  json: { mimeType: "application/json" },
  parquet: { mimeType: "application/vnd.apache.parquet", binary: true },
};

export const resultTemplates = [
  {
    uriTemplate: "result://{name}.{format}{?rows}",
    name: "A kept result",
    description: "format: csv, json or parquet; rows: a range such as 101-200",
  },
] as const;

/**
 * Reads kept results by their addresses, `result://r1`, `result://r1.json`, `result://r1.parquet?rows=1-1000`. It runs like a tool,
 * so that a read is traced, audited and permitted like one, and is listed among the resources only.
 */
export const resourceTool: Tool = {
  name: "resource",
  description: "Lists or reads kept results.",
  access: "read",
  input: {
    safeParse(value) {
      const { uri } = (value ?? {}) as { readonly uri?: unknown };
      const isRead = typeof uri === "string" || uri === undefined;
      if (isRead) return { success: true, data: { uri } };
      return { success: false, error: { issues: [{ path: ["uri"], message: "expected text" }] } };
    },
  },
  run: async ({ uri }: { readonly uri?: string }, call) => JSON.stringify(uri === undefined ? await list(call) : await read(uri, call)),
};

async function list(call: Call): Promise<readonly ListedResource[]> {
  return (await call.stored()).map(({ name, rows, columns, lineage }) => ({
    uri: `result://${name}`,
    name,
    description: `${rows} rows of ${columns.length} columns from ${lineage.connection}`,
    mimeType: "text/csv",
  }));
}

/** @throws INPUT_INVALID, NOT_FOUND, RESULT_EXPIRED, LIMIT_EXCEEDED */
async function read(uri: string, call: Call): Promise<ReadResource> {
  const { name, format, rows } = addressOf(uri);
  const { mimeType, binary } = types[format] ?? { mimeType: "" };
  const bytes = await call.storedBytes({ name, format, ...(rows && { rows }) });
  if (binary) return { uri, mimeType, blob: Buffer.from(bytes).toString("base64") };
  return { uri, mimeType, text: new TextDecoder().decode(bytes) };
}

function addressOf(uri: string): { readonly name: string; readonly format: string; readonly rows?: readonly [number, number] } {
  const [, name, format = "csv", query] = /^result:\/\/(r\d{1,9})(?:\.(\w+))?\/?(?:\?(.*))?$/i.exec(uri) ?? [];
  if (name === undefined) throw notAddress(uri);
  if (!Object.hasOwn(types, format)) {
    throw problem("INPUT_INVALID", `Cannot read "${uri.slice(0, 200)}" as ${format}`, `Use one of ${Object.keys(types).join(", ")}`);
  }
  if (query === undefined) return { name, format };
  const [, first, last] = /^rows=(\d{1,12})-(\d{1,12})$/.exec(query) ?? [];
  const rows = [Number(first), Number(last)] as const;
  if (first === undefined || rows[0] < 1 || rows[1] < rows[0]) throw notAddress(uri);
  return { name, format, rows };
}

function notAddress(uri: string): Problem {
  return problem("INPUT_INVALID", `"${uri.slice(0, 200)}" is no address of a result`, 'Use for example "result://r1.csv?rows=1-100"');
}

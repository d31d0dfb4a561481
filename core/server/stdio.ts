import type { Readable, Writable } from "node:stream";
import type { JSONRPCMessage, Server, Transport } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { lineReader } from "./lines.ts";

/** A request larger than this is refused: SQL of that size is no statement a person or a model wrote. */
const mostLineBytes = 8 * 1024 * 1024;
const parseError = -32700;
const invalidRequest = -32600;

/**
 * Serves MCP over two streams until `input` ends or `close` is called. Garbage and oversized lines
 * are answered with a JSON-RPC error and the session goes on.
 */
export function serveStreams(
  factory: () => Server,
  input: Readable,
  output: Writable,
): { readonly closed: Promise<void>; close(): Promise<void> } {
  const transport = createTransport(input, output);
  const served = serveStdio(factory, { transport });
  return { closed: transport.closed, close: () => served.close() };
}

function createTransport(input: Readable, output: Writable): Transport & { readonly closed: Promise<void> } {
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const write = (message: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      output.write(`${JSON.stringify(message)}\n`, done);
    });
  const refuse = (code: number, message: string, id: unknown = null) => {
    write({ jsonrpc: "2.0", id, error: { code, message } }).catch(() => transport.close());
  };
  const read = lineReader(mostLineBytes, {
    line(text) {
      const message = parse(text);
      if (message === undefined) return refuse(parseError, "Cannot read the line: it is not JSON");
      if (!isMessage(message))
        return refuse(
          invalidRequest,
          "Cannot read the message: it is not one JSON-RPC 2.0 object (batches ended with revision 2025-06-18)",
          idOf(message),
        );
      transport.onmessage?.(message);
    },
    tooLong: (head) => refuse(invalidRequest, `Cannot read the line: it is longer than ${mostLineBytes} bytes`, idIn(head)),
  });
  const transport: Transport & { readonly closed: Promise<void> } = {
    closed,
    async start() {
      input.on("data", read);
      input.on("end", end);
      input.on("close", end);
      input.on("error", end);
      output.on("error", end);
    },
    send: write,
    async close() {
      input.off("data", read);
      input.pause();
      settle();
      transport.onclose?.();
      delete transport.onclose;
    },
  };
  const end = () => void transport.close();
  return transport;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller answers with the protocol's own parse error.
    return undefined;
  }
}

function isMessage(message: unknown): message is JSONRPCMessage {
  return typeof message === "object" && message !== null && (message as { jsonrpc?: unknown }).jsonrpc === "2.0";
}

function idOf(message: unknown): unknown {
  const id = (message as { id?: unknown } | null)?.id;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

/** The id of a message whose text was cut: its own when it stands near the start. */
function idIn(head: string): unknown {
  const id = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|\d+)/.exec(head)?.[1];
  return id === undefined ? null : JSON.parse(id);
}

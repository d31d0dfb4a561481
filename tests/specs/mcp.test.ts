import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { afterEach, describe, it } from "node:test";
import { problem } from "../../core/problem.ts";
import { createMcpFactory, listTool, problemText } from "../../core/server/mcp.ts";
import { serveStreams } from "../../core/server/stdio.ts";
import type { CallContext } from "../../core/tools/call.ts";
import { createTools } from "../../core/tools/tools.ts";

type Message = {
  readonly id?: unknown;
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
  readonly method?: string;
  readonly params?: any;
};

/** A server over two in-memory streams; `call` stands for everything behind the protocol. */
function session(call: (name: string, input: any, context: CallContext) => Promise<string>) {
  const input = new PassThrough();
  const output = new PassThrough();
  const tools = createTools({ connections: ["a", "b"], formats: ["csv"] });
  const served = serveStreams(
    createMcpFactory({
      tools,
      calls: { call, close: async () => undefined },
      connections: ["a", "b"],
      principal: { id: "local", roles: [], via: "local" },
      version: "0",
    }),
    input,
    output,
  );
  const seen: Message[] = [];
  const waiting: (() => void)[] = [];
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    seen.push(...lines.map((line) => JSON.parse(line) as Message));
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (found: (message: Message) => boolean): Promise<Message> => {
    while (true) {
      const message = seen.find(found);
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const send = (message: unknown) => input.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  const ask = (id: number, method: string, params: object = {}) => {
    send({ jsonrpc: "2.0", id, method, params });
    return until((message) => message.id === id);
  };
  const initialize = () =>
    ask(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
  return { input, served, seen, send, ask, until, initialize };
}

describe("the stdio server", () => {
  let open: ReturnType<typeof session> | undefined;
  afterEach(() => open?.served.close());
  const start = (call: Parameters<typeof session>[0] = async () => "text") => {
    open = session(call);
    return open;
  };

  it("answers garbage, batches and non-messages with protocol errors and goes on", async () => {
    const { send, until, initialize, seen } = start();
    send("this is not JSON");
    assert.equal((await until(({ error }) => error?.code === -32700)).id, null);
    send([{ jsonrpc: "2.0", id: 5, method: "ping" }]);
    send({ id: 6, method: "ping" });
    await until(({ id, error }) => id === 6 && error?.code === -32600);
    assert.equal(seen.filter(({ error }) => error?.code === -32600).length, 2);
    assert.equal((await initialize()).result.serverInfo.name, "tidegate");
  });

  it("refuses a 50 MB line with its id, in bounded memory, and goes on", async () => {
    const { input, until, initialize } = start();
    await initialize();
    input.write('{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"query","arguments":{"sql":"');
    for (let n = 0; n < 50; n++) input.write("x".repeat(1024 * 1024));
    input.write('"}}}\n');
    assert.match((await until(({ id }) => id === 77)).error?.message ?? "", /longer than/);
    assert.ok((await open?.ask(78, "ping"))?.result);
  });

  it("speaks both eras from one factory", async () => {
    assert.equal((await start().initialize()).result.protocolVersion, "2025-11-25");
    await open?.served.close();
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
    const modern = start();
    const discovered = await modern.ask(1, "server/discover", { _meta: meta });
    assert.ok(discovered.result.supportedVersions.includes("2026-07-28"));
    const listed = await modern.ask(2, "tools/list", { _meta: meta });
    assert.equal(listed.result.resultType, "complete");
    assert.ok(listed.result.ttlMs > 0);
  });

  it("serves a client that sends initialize after a successful discover", async () => {
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
    const { ask, initialize } = start();
    assert.ok((await ask(1, "server/discover", { _meta: meta })).result);
    assert.ok((await initialize()).result, "the probe did not pin the connection");
    assert.ok((await ask(3, "tools/list")).result.tools.length > 0);
  });

  it("sends progress while a call runs, to those who asked", async () => {
    let finish: (text: string) => void = () => undefined;
    const { ask, initialize, until, seen } = start((_name, _input, { progress }) => {
      progress?.(0.5, 7);
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    await initialize();
    const answer = ask(1, "tools/call", { name: "query", arguments: {}, _meta: { progressToken: "p1" } });
    const { params } = await until(({ method }) => method === "notifications/progress");
    assert.deepEqual(params, { progressToken: "p1", progress: 0.5, message: "running for 0.5 s, 7 rows kept" });
    finish("done");
    assert.equal((await answer).result.content[0].text, "done");
    assert.equal(seen.filter(({ method }) => method === "notifications/progress").length, 1);
  });

  it("tells the call that it was cancelled, and answers nothing", async () => {
    let cancelled: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const { initialize, send, ask, seen } = start(
      (_name, _input, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            cancelled();
            reject(signal.reason);
          }),
        ),
    );
    await initialize();
    send({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "query", arguments: {} } });
    await ask(10, "ping");
    send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 9 } });
    await stopped;
    await ask(11, "ping");
    assert.equal(
      seen.find(({ id }) => id === 9),
      undefined,
    );
  });

  it("returns problems as tool errors with code, message and hint", async () => {
    const { initialize, ask } = start(async () => Promise.reject(problem("SQL_INVALID", "Nothing fits", "Try less")));
    await initialize();
    const { result } = await ask(1, "tools/call", { name: "query", arguments: {} });
    assert.deepEqual(result, { isError: true, content: [{ type: "text", text: "SQL_INVALID: Nothing fits\nTry: Try less" }] });
    assert.equal(problemText(problem("NOT_FOUND", "No")), "NOT_FOUND: No");
  });

  it("ends when its input ends", async () => {
    const { input, served, initialize } = start();
    await initialize();
    input.end();
    await served.closed;
  });
});

describe("the list of tools", () => {
  it("costs the same for one database as for fifty, but for the names", () => {
    const names = Array.from({ length: 50 }, (_, n) => `db${n}`);
    const cost = (connections: readonly string[]) => JSON.stringify(createTools({ connections, formats: ["csv"] }).map(listTool)).length;
    assert.ok(cost(names) - cost(["a", "b"]) < 4 * (JSON.stringify(names).length + 20));
  });

  it("names a connection only where there is a choice", () => {
    const schema = (connections: readonly string[]) =>
      createTools({ connections, formats: ["csv"] }).map((tool) => (listTool(tool).inputSchema as any).properties.connection);
    assert.deepEqual(schema(["only"]), [undefined, undefined, undefined, undefined]);
    assert.deepEqual(schema(["a", "b"])[0], { type: "string", enum: ["a", "b"] });
  });

  it("marks what only reads", () => {
    const tools = createTools({ connections: ["a"], formats: ["csv"] }).map(listTool);
    assert.deepEqual(Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations.readOnlyHint])), {
      query: true,
      inspect: true,
      export: false,
      explain: true,
    });
  });
});

import { chmodSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { type App, createApp, serveTools } from "../../core/app.ts";
import type { Driver } from "../../core/contract/driver.ts";
import type { Person, Question } from "../../core/contract/tool.ts";
import { createConfigFolder } from "./config-folder.ts";

/** An app with one connection, `shop`, that may be written to under a policy; without a policy when its text is empty. */
export async function writeApp(driver: Driver, target: string, policy: string, write = true) {
  const folder = createConfigFolder();
  const path = folder.write("policy.yaml", policy);
  chmodSync(path, 0o600);
  const env: Record<string, string> = { TIDEGATE_TELEMETRY_TRACES: "off", ...(policy !== "" && { TIDEGATE_POLICY_FILE: path }) };
  const app: App = await createApp({
    config: await folder.load({ env }),
    connections: [{ name: "shop", target, folder: folder.project, write }],
    // In this process: what is tested is not how an engine is kept from blocking.
    bundled: {
      [driver.name]: async () => ({ default: () => ({ drivers: [{ ...driver, facts: { ...driver.facts, blocking: false } }] }) }),
    },
    seatCommand: [],
    env: {},
    version: "0",
  });
  const { tools, calls, keeps, createMcpFactory, serveStreams } = await serveTools(app);
  const signal = new AbortController().signal;
  const ask = (sql: string, more: object = {}, person?: Person): Promise<string | Question> =>
    calls.call("execute", { sql, ...more }, { principal: app.principal, signal, ...(person && { person: async () => person }) });
  const query = (sql: string): Promise<string> =>
    calls.call("query", { sql }, { principal: app.principal, signal }).then((text) => String(text).replace(/-- .*$/, ""));
  return {
    app,
    tools: tools.map(({ name }) => name),
    /** The answer as text, without the trace. */
    execute: async (sql: string, more: object = {}) => String(await ask(sql, more)).replace(/; trace \w+$/, ""),
    ask,
    query,
    /** Serves MCP over two streams. */
    serve: (input: Readable, output: Writable) =>
      serveStreams(createMcpFactory({ tools, calls, keeps, connections: ["shop"], principal: app.principal, version: "0" }), input, output),
    signal,
    async close() {
      await calls.close();
      await app.close();
      folder.remove();
    },
  };
}

/** One role for everybody: all of `shop` may be written to, and what `more` says besides. */
export const writer = (more = "", rules = "[{ connection: shop, access: write }]") =>
  `version: 1\ndefault: [writer]\nroles:\n  writer:\n    rules: ${rules}\n${more}`;

import { type App, createApp, serveTools } from "../../core/app.ts";
import type { Driver } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { createConfigFolder } from "./config-folder.ts";

/** An app whose results are kept, with the engines given and DuckDB, all in this process. */
export async function resultsApp(
  drivers: readonly Driver[],
  connections: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  state?: string,
) {
  const folder = createConfigFolder();
  const own = { TIDEGATE_TELEMETRY_TRACES: "off", ...(state !== undefined && { TIDEGATE_STATE_DIR: state }), ...env };
  const app: App = await createApp({
    config: await folder.load({ env: own }),
    connections: Object.entries(connections).map(([name, target]) => ({ name, target, folder: folder.project, write: true })),
    bundled: Object.fromEntries(
      [...drivers, createDuckdbDriver()].map((driver) => [
        driver.name,
        async () => ({ default: () => ({ drivers: [{ ...driver, facts: { ...driver.facts, blocking: false } }] }) }),
      ]),
    ),
    seatCommand: [],
    env: {},
    version: "0",
  });
  const { tools, calls, listTool } = await serveTools(app);
  const signal = new AbortController().signal;
  /** The answer without the trace and how long it took. */
  const call = async (name: string, input: object, principal = app.principal): Promise<string> =>
    String(await calls.call(name, input, { principal, signal }))
      .replace(/; trace \w+$/, "")
      .replace(/ in \d+ ms$/, "");
  return {
    app,
    folder,
    tools,
    listTool,
    call,
    lines: async (name: string, input: object) => (await call(name, input)).split("\n"),
    async close() {
      await calls.close();
      await app.close();
      folder.remove();
    },
  };
}

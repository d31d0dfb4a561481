import type { Activate, Contribution, Host } from "../contract/plugin.ts";
import { Problem, problem } from "../problem.ts";

/** Runs a plugin's code and returns what it offers. @throws PLUGIN_INVALID when it throws, ends the process, or is no plugin */
export function activate(load: () => Promise<{ readonly default: Activate }>, name: string, host: Host): Promise<Contribution> {
  const wanted = "Export default (host) => ({ drivers: […] })";
  return loading(name, host, async () => {
    const { default: start } = await load();
    if (typeof start !== "function") throw problem("PLUGIN_INVALID", `Plugin "${name}" has no default export to activate`, wanted);
    const offered = await start(host);
    if (typeof offered === "object" && offered !== null) return offered;
    throw problem("PLUGIN_INVALID", `Plugin "${name}" offers nothing when it is activated`, wanted);
  });
}

/** Runs code of a plugin that has not proved yet that it can be run. @throws PLUGIN_INVALID when it throws, or ends the process */
export async function loading<Result>(name: string, { log }: Pick<Host, "log">, work: () => Promise<Result>): Promise<Result> {
  try {
    return await withoutExit(name, work);
  } catch (error) {
    if (error instanceof Problem) throw error;
    log("debug", `Plugin "${name}" failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    const hint = "Run again with --log-level debug for its own error, or remove the plugin";
    throw problem("PLUGIN_INVALID", `Plugin "${name}" failed while it was loaded`, hint, error);
  }
}

/** One plugin must not end a server that serves ten, nor a command without a word: `process.exit` is a problem while code is loaded. */
async function withoutExit<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const before = process.exit;
  let working = true;
  const refused: typeof process.exit = (code) => {
    // Another plugin may have been loaded at the same time and hold on to this one.
    if (!working) return before(code);
    const hint = "Remove the plugin, or ask its author for another version";
    throw problem("PLUGIN_INVALID", `Plugin "${name}" tried to end tidegate while it was loaded`, hint);
  };
  process.exit = refused;
  try {
    return await work();
  } finally {
    working = false;
    if (process.exit === refused) process.exit = before;
  }
}

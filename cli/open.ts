import { type App, connectionFor, createApp, createLog } from "../core/app.ts";
import type { Config } from "../core/config/config.ts";
import { loadConfig } from "../core/config/load.ts";
import type { ConnectionSettings } from "../core/connection/connections.ts";
import { asProblem, type Problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";

/** Options every command understands. */
export interface CommonOptions {
  readonly config?: string;
  readonly yes?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export function configOf(options: Partial<CommonOptions>, { io }: CommandContext): Promise<Config> {
  const log = {
    ...(options.logLevel !== undefined && { level: options.logLevel }),
    ...(options.logFormat !== undefined && { format: options.logFormat }),
  };
  const plugins = options.yes ? { auto: true } : {};
  const configPath = options.config === undefined ? {} : { configPath: options.config };
  return loadConfig({ cwd: io.cwd, env: io.env, ...configPath, flags: { log, plugins } });
}

/**
 * Runs one verb: opens the app on one target (a configured name, a URL or a path), under the verb's
 * trace, and closes everything whatever happens.
 */
export async function withTarget<Result>(
  verb: string,
  target: string,
  options: CommonOptions,
  context: CommandContext,
  work: (app: App, connection: string, caller: Caller) => Promise<Result>,
): Promise<Result> {
  const config = await configOf(options, context);
  const connection = connectionFor(target, config, context.io.cwd);
  return withApp(verb, [connection], config, context, (app, caller) => work(app, connection.name, caller));
}

/** Wires an app for these connections; whoever opens it closes it. `asks` lets a person at the terminal decide about a missing driver. */
export function openApp(
  connections: readonly ConnectionSettings[],
  config: Config,
  { io, bundled }: CommandContext,
  asks = false,
): Promise<App> {
  for (const warning of config.warnings) io.note(`Warning: ${warning}`);
  const obtain = async (scheme: string) => (await import("./plugin-registry.ts")).obtainFor(config, io, asks)(scheme);
  return createApp({ config, connections, bundled, obtain, seatCommand: [...io.self, "__seat"], env: io.env, version: io.version });
}

export async function withApp<Result>(
  verb: string,
  connections: readonly ConnectionSettings[],
  config: Config,
  context: CommandContext,
  work: (app: App, caller: Caller) => Promise<Result>,
): Promise<Result> {
  const app = await openApp(connections, config, context, true);
  const span = app.telemetry.root("verb", verb);
  let failure: Problem | undefined;
  let audited: ReturnType<NonNullable<App["audit"]>> | undefined;
  try {
    audited = app.audit?.({ trace: span.traceId, principal: app.principal, action: verb });
    const result = await work(app, { principal: app.principal, signal: context.io.signal, span, ...(audited && { note: audited.note }) });
    audited?.end();
    return result;
  } catch (error) {
    failure = asProblem(error);
    throw failure;
  } finally {
    span.end(failure && { error: failure });
    if (failure !== undefined) audited?.end(failure);
    await app.close();
  }
}

/** Logs what is behind an internal error, as the options and the configuration want it logged. */
export async function logCause({ message, cause }: Problem, options: Partial<CommonOptions>, context: CommandContext): Promise<void> {
  const wanted = { level: options.logLevel === "debug" ? "debug" : "warn", format: "text" } as const;
  // The configuration may be what failed: then the command line alone decides.
  const config = await configOf(options, context).catch(() => undefined);
  createLog(config?.log ?? wanted).debug(message, { error: cause });
}

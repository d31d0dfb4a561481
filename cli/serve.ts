import { type Command, Option } from "commander";
import { namedConnection, serveTools } from "../core/app.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { type CommonOptions, configOf, openApp } from "./open.ts";
import { collect, commonOptions } from "./options.ts";

interface ServeOptions extends CommonOptions {
  readonly connection?: readonly string[];
}

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .addOption(
      new Option("--connection <name=target>", "a database to serve, repeatable; without any, those of the configuration").argParser(
        collect,
      ),
    )
    .addHelpText("after", examples)
    .action((options: ServeOptions) => serve(options, context));
}

const examples = `
Examples:
  tidegate serve --connection shop=./shop.db
  tidegate serve --connection shop=./shop.db --connection lake=./lake/*.parquet
  tidegate serve                                   (the connections of tidegate.yaml)

In a client's configuration:
  { "mcpServers": { "tidegate": { "command": "tidegate", "args": ["serve", "--connection", "shop=/path/to/shop.db"] } } }`;

async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const given = (options.connection ?? []).map((text) => namedConnection(text, config, io.cwd));
  const twice = given.find(({ name }, at) => given.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined)
    throw problem("INPUT_INVALID", `Connection "${twice.name}" was given twice`, "Give each connection a name of its own");
  const connections = given.length > 0 ? given : Object.values(config.connections);
  if (connections.length === 0)
    throw problem(
      "INPUT_INVALID",
      "There is nothing to serve: no connection is configured",
      "Add one: tidegate serve --connection shop=./shop.db",
    );
  const app = await openApp(connections, config, context);
  try {
    const { createMcpFactory, serveStreams, tools, calls, keeps } = await serveTools(app);
    const session = serveStreams(
      createMcpFactory({ tools, calls, keeps, principal: app.principal, connections: app.connections.names, version: io.version }),
      process.stdin,
      process.stdout,
    );
    io.signal.addEventListener("abort", () => void session.close(), { once: true });
    if (io.stdin.isTTY) io.note("Serving MCP on standard input and output; a client starts this command by itself. Ctrl-C ends it.");
    await session.closed;
    await calls.close();
  } finally {
    await app.close();
  }
}

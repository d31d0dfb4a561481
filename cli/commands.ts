import type { Command } from "commander";
import type { BundledPlugins } from "../core/plugin/registry.ts";
import type { Io } from "./io.ts";

/** What a command gets besides its arguments. */
export interface CommandContext {
  readonly io: Io;
  readonly bundled: BundledPlugins;
}

export interface CommandModule {
  /** Adds arguments, options, examples and the action to a fresh command. */
  define(command: Command, context: CommandContext): void;
}

/** The whole command line: name, one line, and where it is. */
export const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<CommandModule> }>> = {
  query: { summary: "Run one SQL statement and print its rows", load: () => import("./query.ts") },
  export: { summary: "Write a result to a file: csv, json, parquet, arrow, xlsx …", load: () => import("./export.ts") },
  inspect: { summary: "Show tables, columns, keys and what is known about them", load: () => import("./inspect.ts") },
  results: { summary: "Go on with results that were kept: query, profile, lineage", load: () => import("./results.ts") },
  serve: { summary: "Serve MCP over standard input and output", load: () => import("./serve.ts") },
  demo: { summary: "Create a sample shop database and five commands to try on it", load: () => import("./demo.ts") },
  doctor: { summary: "Check paths, connections, read-only proof and token cost", load: () => import("./doctor.ts") },
  connect: { summary: "Add the MCP server to Claude, Cursor, VS Code and others", load: () => import("./connect.ts") },
  plugin: { summary: "Find, install and check drivers for other databases", load: () => import("./plugin.ts") },
  policy: { summary: "Make, check, test and compare what roles may see and do", load: () => import("./policy.ts") },
  audit: { summary: "Read and check the record of every call", load: () => import("./audit.ts") },
  config: { summary: "Create, check and show the configuration", load: () => import("./config.ts") },
};

import { type Command, Option } from "commander";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { CommonOptions } from "./open.ts";
import { commonOptions } from "./options.ts";

/** Options of the commands that print what they found. */
export interface PluginOptions extends CommonOptions {
  readonly registry?: string;
  readonly offline?: string;
  readonly format: "text" | "json";
}

type Action = (names: string[], options: PluginOptions, context: CommandContext) => Promise<void>;

/** Every action: its arguments, what it does, whether it needs a registry, and where it is. */
const actions: Readonly<Record<string, readonly [usage: string, about: string, remote: boolean, load: () => Promise<Action>]>> = {
  list: ["", "Show the plugins that are here, built in or installed", false, async () => (await import("./plugin-show.ts")).list],
  search: [
    "[words...]",
    "Show the plugins of the registry, or those that match",
    true,
    async () => (await import("./plugin-show.ts")).search,
  ],
  info: ["<name...>", "Show what a plugin is, needs, and who signed it", true, async () => (await import("./plugin-show.ts")).info],
  install: ["<name...>", "Install plugins: name, or name@version", true, async () => (await import("./plugin-change.ts")).add],
  update: ["[name...]", "Install newer versions of the installed plugins", true, async () => (await import("./plugin-change.ts")).update],
  remove: ["<name...>", "Remove installed plugins", false, async () => (await import("./plugin-change.ts")).take],
  verify: [
    "[name...]",
    "Read every installed file again and compare it with what was signed",
    true,
    async () => (await import("./plugin-show.ts")).verify,
  ],
  sync: ["", "Install exactly what tidegate-plugins.lock pins", true, async () => (await import("./plugin-change.ts")).sync],
};

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  command.argument("[action]", Object.keys(actions).join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    const known = Object.keys(actions);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, known) ?? `Use one of: ${known.join(", ")}`);
  });
  for (const [name, [usage, about, remote, load]] of Object.entries(actions)) {
    const sub = commonOptions(command.command(`${name} ${usage}`.trim())).description(about);
    sub.addOption(new Option("--format <format>", "how to print it").choices(["text", "json"]).default("text"));
    if (remote) sub.option("--registry <place>", "address or folder of the registry (default: plugins.registry)");
    if (name === "sync") sub.option("--offline <folder>", "use this copy of the registry and no network");
    sub.addHelpText("after", examplesOf(name));
    sub.action(async (...given: readonly unknown[]) => {
      // Commander passes the argument, where there is one, then the options, then the command itself.
      const [names, options] = usage === "" ? [[], given[0]] : given;
      await (await load())(names as string[], options as PluginOptions, context);
    });
  }
}

const examples = `
Examples:
  tidegate plugin search
  tidegate plugin info postgres
  tidegate plugin install postgres
  tidegate plugin install mysql@1.0.0 --registry ./dist/plugins
  tidegate plugin list --format json
  tidegate plugin update
  tidegate plugin verify
  tidegate plugin sync
  tidegate plugin sync --offline ./bundle
  tidegate plugin remove mysql`;

function examplesOf(action: string): string {
  const lines = examples.split("\n").filter((line) => line.startsWith(`  tidegate plugin ${action}`));
  return `\nExamples:\n${lines.join("\n")}`;
}

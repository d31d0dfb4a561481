import { type Command, Option } from "commander";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { CommonOptions } from "./open.ts";
import { commonOptions, durationOption } from "./options.ts";

/** Options of the commands that print what they found. */
export interface PluginOptions extends CommonOptions {
  readonly registry?: string;
  readonly offline?: string;
  readonly format: "text" | "json";
}

type Action = (names: string[], options: any, context: CommandContext) => Promise<void>;

interface ActionEntry {
  readonly usage: string;
  readonly about: string;
  readonly options?: readonly Option[];
  /** `text` and `json` where it is not said. */
  readonly formats?: readonly string[];
  readonly load: () => Promise<Action>;
}

const registry = new Option("--registry <place>", "address or folder of the registry (default: plugins.registry)");

const actions: Readonly<Record<string, ActionEntry>> = {
  list: {
    usage: "",
    about: "Show the plugins that are here, built in or installed",
    load: async () => (await import("./plugin-show.ts")).list,
  },
  search: {
    usage: "[words...]",
    about: "Show the plugins of the registry, or those that match",
    options: [registry],
    load: async () => (await import("./plugin-show.ts")).search,
  },
  info: {
    usage: "<name...>",
    about: "Show what a plugin is, needs, and who signed it",
    options: [registry],
    load: async () => (await import("./plugin-show.ts")).info,
  },
  install: {
    usage: "<name...>",
    about: "Install plugins: name, or name@version",
    options: [registry],
    load: async () => (await import("./plugin-change.ts")).add,
  },
  update: {
    usage: "[name...]",
    about: "Install newer versions of the installed plugins",
    options: [registry],
    load: async () => (await import("./plugin-change.ts")).update,
  },
  remove: { usage: "<name...>", about: "Remove installed plugins", load: async () => (await import("./plugin-change.ts")).take },
  verify: {
    usage: "[name...]",
    about: "Read every installed file again and compare it with what was signed",
    options: [registry],
    load: async () => (await import("./plugin-show.ts")).verify,
  },
  sync: {
    usage: "",
    about: "Install exactly what tidegate-plugins.lock pins",
    options: [registry, new Option("--offline <folder>", "use this copy of the registry and no network")],
    load: async () => (await import("./plugin-change.ts")).sync,
  },
  new: {
    usage: "<name>",
    about: "Make a driver plugin to start from, which works as it is",
    options: [new Option("--folder <folder>", "where to make it (default: ./<name>)")],
    load: async () => (await import("./plugin-make.ts")).create,
  },
  test: {
    usage: "<folder>",
    about: "Run what every driver must do on the plugin in a folder",
    options: [
      new Option("--only <words>", "run the cases whose group and name hold all of these words"),
      durationOption("--timeout <duration>", "time limit of one case").default(60_000, "60s"),
      new Option("--here", "run in this process, for a debugger").hideHelp(),
    ],
    formats: ["text", "json", "tap"],
    load: async () => (await import("./plugin-test.ts")).test,
  },
  pack: {
    usage: "<folder>",
    about: "Make a plugin's folder loadable; with --registry, add it to a registry and sign that",
    options: [
      new Option("--registry <folder>", "folder of the registry, made when it is not there"),
      new Option("--key <file>", "signing key of the registry (see: tidegate plugin key)"),
      new Option("--overwrite", "replace another build of the same version"),
    ],
    load: async () => (await import("./plugin-make.ts")).pack,
  },
  key: {
    usage: "<file>",
    about: "Make a signing key unless the file is there, and print its public part for plugins.keys",
    options: [new Option("--name <name>", "by which people are told who signed (default: the file's name)")],
    load: async () => (await import("./plugin-make.ts")).key,
  },
};

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  command.argument("[action]", Object.keys(actions).join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    const known = Object.keys(actions);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, known) ?? `Use one of: ${known.join(", ")}`);
  });
  for (const [name, { usage, about, options = [], formats = ["text", "json"], load }] of Object.entries(actions)) {
    const sub = commonOptions(command.command(`${name} ${usage}`.trim())).description(about);
    sub.addOption(new Option("--format <format>", "how to print it").choices(formats).default("text"));
    for (const option of options) sub.addOption(option);
    sub.addHelpText("after", examplesOf(name));
    sub.action(async (...given: readonly unknown[]) => {
      // Commander passes the argument, where there is one, then the options, then the command itself.
      const [names, chosen] = usage === "" ? [[], given[0]] : given;
      await (await load())([names].flat() as string[], chosen, context);
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
  tidegate plugin remove mysql
  tidegate plugin new mydb
  tidegate plugin test ./mydb
  tidegate plugin test ./mydb --only "stops when asked" --format tap
  tidegate plugin pack ./mydb
  tidegate plugin pack ./mydb --registry ./registry --key ./signing.pem
  tidegate plugin key ./signing.pem`;

function examplesOf(action: string): string {
  const lines = examples.split("\n").filter((line) => line.startsWith(`  tidegate plugin ${action}`));
  return `\nExamples:\n${lines.join("\n")}`;
}

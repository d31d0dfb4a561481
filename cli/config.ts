import { type Command, Option } from "commander";
import type { ShownValue } from "../core/config/effective.ts";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configInit, type InitOptions } from "./config-init.ts";
import type { SecretOptions } from "./config-secret.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, configOf } from "./open.ts";
import { collect, commonOptions } from "./options.ts";

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  const actions = ["init", "check", "show", "schema", "set-secret", "unset-secret"];
  command.argument("[action]", actions.join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, actions) ?? `Use one of: ${actions.join(", ")}`);
  });
  command
    .command("init [file]")
    .description("Write a configuration file with every key explained")
    .option("--connection <name=target>", "put this connection into it, repeatable", collect)
    .option("--force", "replace an existing file")
    .action((file: string | undefined, options: InitOptions) => configInit(file, options, io));
  commonOptions(command.command("check [file]"))
    .description("Say whether the configuration is right, and what is wrong with it")
    .action((file: string | undefined, options: CommonOptions) => configCheck(file, options, context));
  commonOptions(command.command("show"))
    .description("Print the configuration in force, without secrets")
    .addOption(new Option("--format <format>", "how to print it").choices(["yaml", "json"]).default("yaml"))
    .option("--origins", "say where each value comes from")
    .action((options: ShowOptions) => configShow(options, context));
  command
    .command("schema")
    .description("Print the JSON Schema of the configuration file, for editors")
    .action(() => configSchema(io));
  secretOptions(command.command("set-secret <name>"))
    .description("Store a secret that is typed unseen or piped in, and say how to refer to it")
    // A secret given as an argument must not be repeated in what the parser says of it.
    .allowExcessArguments()
    .allowUnknownOption()
    .action(async (_name: string, options: SecretOptions, { args }: Command) =>
      (await import("./config-secret.ts")).setSecret(args, options, io),
    );
  secretOptions(command.command("unset-secret <name>"))
    .description("Remove a stored secret")
    .action(async (name: string, options: SecretOptions) => (await import("./config-secret.ts")).unsetSecret(name, options, io));
}

function secretOptions(command: Command): Command {
  return command
    .option("--keyring", "in the keyring of the system (the default)")
    .option("--file", "in a file that only you can read")
    .option("-q, --quiet", "print data and errors only");
}

const examples = `
Examples:
  tidegate config init --connection shop=./shop.db
  tidegate config check
  tidegate config show --origins
  tidegate config set-secret sales
  tidegate config schema > tidegate.schema.json`;

interface ShowOptions extends CommonOptions {
  readonly format: "yaml" | "json";
  readonly origins?: boolean;
}

/** Says that the configuration is right. @throws CONFIG_INVALID with everything that is not. */
export async function configCheck(file: string | undefined, options: CommonOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf({ ...options, ...(file !== undefined && { config: file }) }, context);
  for (const warning of config.warnings) io.note(`Warning: ${warning}`);
  const connections = counted(Object.keys(config.connections).length, "connection");
  const files = config.files.length === 0 ? "no configuration file, defaults apply" : config.files.join(", ");
  await io.out(`OK: ${connections}, ${counted(config.warnings.length, "warning")} (${files})\n`);
}

/** Prints every value in force; what a variable held, passwords and secret options are not printed. */
export async function configShow({ format, origins = false, ...options }: ShowOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const { effectiveValues } = await import("../core/config/effective.ts");
  const values = effectiveValues(await configOf(options, context), io.cwd);
  await io.out(format === "json" ? asJson(values, origins) : await asYaml(values, origins));
}

export async function configSchema(io: Io): Promise<void> {
  const { schemaText } = await import("../core/config/template.ts");
  await io.out(schemaText());
}

async function asYaml(values: readonly ShownValue[], origins: boolean): Promise<string> {
  const { Document } = await import("yaml");
  const document = new Document({});
  for (const { path, value, origin } of values) {
    const node = document.createNode(value);
    if (origins) node.comment = ` ${origin}`;
    document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0 });
}

/** Objects without a prototype: a connection may be called "constructor". */
function asJson(values: readonly ShownValue[], origins: boolean): string {
  const tree: Tree = Object.create(null);
  for (const { path, value, origin } of values) {
    let parent = tree;
    for (const key of path.slice(0, -1)) {
      parent[key] ??= Object.create(null);
      parent = parent[key] as Tree;
    }
    parent[path.at(-1) ?? ""] = origins ? { value, origin } : value;
  }
  return `${JSON.stringify(tree, null, 2)}\n`;
}

interface Tree {
  [key: string]: Tree | string | number | boolean;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

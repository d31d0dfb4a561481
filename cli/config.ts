import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { ShownValue } from "../core/config/effective.ts";
import { connectionName } from "../core/config/settings.ts";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, configOf } from "./open.ts";
import { collect, commonOptions } from "./options.ts";

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  const actions = ["init", "check", "show", "schema"];
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
}

const examples = `
Examples:
  tidegate config init --connection shop=./shop.db
  tidegate config check
  tidegate config show --origins
  tidegate config schema > tidegate.schema.json`;

interface InitOptions {
  readonly connection?: readonly string[];
  readonly force?: boolean;
}

interface ShowOptions extends CommonOptions {
  readonly format: "yaml" | "json";
  readonly origins?: boolean;
}

/** Writes the file for its owner only, and the schema beside it. @throws CONFLICT when the file exists and `force` is not given. */
export async function configInit(file = "tidegate.yaml", { connection = [], force = false }: InitOptions, io: Io): Promise<void> {
  const { configTemplate, schemaFile } = await import("../core/config/template.ts");
  const path = resolve(io.cwd, file);
  const text = configTemplate(readConnections(connection));
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o600, flag: force ? "w" : "wx" });
    // An existing file keeps its mode when it is replaced.
    await chmod(path, 0o600);
    await writeFile(join(dirname(path), schemaFile), await schemaText());
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST")
      throw problem("CONFLICT", `Cannot write "${file}": it exists already`, "Name another file, or add --force to replace it", cause);
    throw problem(
      "INPUT_INVALID",
      `Cannot write "${file}": the system says ${code ?? "no more"}`,
      "Name a file in a folder you may write to",
      cause,
    );
  }
  await io.out(`${file}\n`);
  io.note(`Wrote ${file} and ${schemaFile}. Check it after every change: tidegate config check`);
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
  await io.out(await schemaText());
}

async function schemaText(): Promise<string> {
  const { configJsonSchema } = await import("../core/config/schema.ts");
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
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

function asJson(values: readonly ShownValue[], origins: boolean): string {
  const tree: Record<string, any> = {};
  for (const { path, value, origin } of values) {
    const parent = path.slice(0, -1).reduce((inner, key) => (inner[key] ??= {}), tree);
    parent[path.at(-1) ?? ""] = origins ? { value, origin } : value;
  }
  return `${JSON.stringify(tree, null, 2)}\n`;
}

/** The text is not quoted in messages: a target may hold a password. */
function readConnections(given: readonly string[]): ReadonlyMap<string, string> {
  const connections = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const [name, target] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
    if (!connectionName.test(name) || target === "")
      throw problem("INPUT_INVALID", "Cannot read --connection: wanted name=target", "For example: --connection shop=./shop.db");
    if (connections.has(name)) throw problem("INPUT_INVALID", `Connection "${name}" was given twice`, "Give each connection its own name");
    connections.set(name, target);
  }
  return connections;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}


import { type Command, Option } from "commander";
import type { Client, Entry, Machine } from "../core/clients/client.ts";
import { clients } from "../core/clients/clients.ts";
import { addServer, type Change, clientFile, clientState, printedEntry, removeServer } from "../core/clients/connect.ts";
import { resolveFolders } from "../core/config/folders.ts";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { servedArguments } from "./connect-arguments.ts";
import type { Io } from "./io.ts";
import { collect } from "./options.ts";

export interface ConnectOptions {
  readonly name: string;
  readonly config?: string;
  readonly connection?: readonly string[];
  readonly project?: boolean;
  readonly print?: boolean;
  readonly remove?: boolean;
  readonly list?: boolean;
  readonly format: "text" | "json";
}

export function define(command: Command, context: CommandContext): void {
  command
    .argument("[client]", clients.map(({ name }) => name).join(", "))
    .option("--name <name>", "what the client calls the server", "tidegate")
    .option("--config <file>", "the configuration the server reads")
    .option("--connection <name>", "serve this connection of the configuration, or name=path; repeatable", collect)
    .option("--project", "for the project in the working folder only")
    .option("--print", "print what would be written, and write nothing")
    .option("--remove", "take the server out again")
    .option("--list", "show which clients are on this machine")
    .addOption(new Option("--format <format>", "how to print the list").choices(["text", "json"]).default("text"))
    .option("-q, --quiet", "print data and errors only")
    .addHelpText("after", examples)
    .action((client: string | undefined, options: ConnectOptions) => connect(client, options, context));
}

const examples = `
Examples:
  tidegate connect --list
  tidegate connect claude-desktop --connection shop=./shop.db
  tidegate connect cursor --project
  tidegate connect codex --config ./tidegate.yaml --print
  tidegate connect vscode --remove`;

/** Writes, prints or removes the server's entry in a client's configuration; lists the clients without one. */
export async function connect(wanted: string | undefined, options: ConnectOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const machine = machineOf(io);
  if (!/^[A-Za-z][\w-]{0,63}$/.test(options.name))
    throw problem("INPUT_INVALID", `Cannot use --name "${options.name}": wanted letters, digits, "_" or "-"`, "For example: --name sales");
  if (wanted === undefined || options.list) return list(options, machine, io);
  const client = clientNamed(wanted);
  const file = clientFile(client, machine, options.project ? io.cwd : undefined);
  if (options.remove) return report(await removeServer(client, file, options.name), "Removed", options.name, client, io);
  const entry = await entryFor(options, context);
  if (options.print) {
    io.note(`For ${file}:`);
    return io.out(printedEntry(client, options.name, entry));
  }
  return report(await addServer(client, file, options.name, entry), "Added", options.name, client, io);
}

async function entryFor(options: ConnectOptions, context: CommandContext): Promise<Entry> {
  const [command = "", ...rest] = context.io.self;
  return { command, args: [...rest, "serve", ...(await servedArguments(options, context))] };
}

async function report({ file, changed, backup }: Change, done: "Added" | "Removed", name: string, client: Client, io: Io): Promise<void> {
  await io.out(`${file}\n`);
  if (!changed)
    return io.note(done === "Added" ? `"${name}" is there already; nothing was changed.` : `"${name}" is not there; nothing was changed.`);
  io.note(
    done === "Added"
      ? `Added "${name}" to ${client.title}. ${client.reload}.`
      : `Removed "${name}" from ${client.title}. Start it again if it runs.`,
  );
  if (backup !== undefined) io.note(`The file as it was: ${backup}`);
}

async function list({ name, project, format }: ConnectOptions, machine: Machine, io: Io): Promise<void> {
  const own = project ? clients.filter(({ projectFile }) => projectFile !== undefined) : clients;
  const states = own.map((client) => ({
    client: client.name,
    title: client.title,
    ...clientState(client, machine, name, project ? io.cwd : undefined),
  }));
  if (format === "json") return io.out(`${JSON.stringify(states, null, 2)}\n`);
  const said = { yes: `has ${name}`, no: "", broken: "file is broken" };
  const lines = states.map(({ client, title, found, server, file }) =>
    [client.padEnd(15), title.padEnd(15), (found ? "found" : "not found").padEnd(10), said[server].padEnd(name.length + 5), file].join(" "),
  );
  await io.out(`${lines.join("\n")}\n`);
}

function clientNamed(wanted: string): Client {
  const names = clients.map(({ name }) => name);
  const found = clients.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw problem("INPUT_INVALID", `Client "${wanted}" is unknown`, didYouMean(wanted, names) ?? `Use one of: ${names.join(", ")}`);
}

function machineOf({ env, cwd }: Io): Machine {
  const { home } = resolveFolders(env, cwd);
  if (home === undefined) throw problem("INPUT_INVALID", "This account has no home folder, where clients keep their files", "Set HOME");
  return { platform: process.platform, env, home };
}

import { Command, CommanderError } from "commander";
import type { BundledPlugins } from "../core/plugin/registry.ts";
import { asProblem, didYouMean, type Problem, problem, problemTable, toPublic } from "../core/problem.ts";
import type { commands as table } from "./commands.ts";
import type { CommonOptions } from "./open.ts";
import { createTerminal } from "./terminal.ts";
import { usage } from "./usage.ts";

interface GivenOptions extends Partial<CommonOptions> {
  readonly format?: string;
}

/** Runs one command to its end, prints a problem if there is one, and sets the exit code. */
export async function run(what: {
  readonly name: string | undefined;
  readonly rest: readonly string[];
  readonly commands: typeof table;
  readonly bundled: BundledPlugins;
  readonly version: string;
}): Promise<void> {
  const { name, rest, commands, bundled } = what;
  const terminal = createTerminal({ version: what.version });
  const { io } = terminal;
  let given = (): GivenOptions => ({});
  try {
    if (name === undefined || name === "help" || name === "--help" || name === "-h") {
      const [asked] = rest;
      if (name === "help" && asked !== undefined) await runCommand(asked, ["--help"]);
      else await io.out(overview(commands));
    } else if (name === "--version" || name === "-V") await io.out(`tidegate ${what.version}\n`);
    else await runCommand(name, rest);
    await terminal.flush();
  } catch (error) {
    await fail(asProblem(error));
  } finally {
    terminal.close();
  }
  // Engines may hold threads that outlive a cancel; the work is over once the output is out.
  process.exit();

  async function runCommand(wanted: string, args: readonly string[]): Promise<void> {
    const entry = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
    if (entry === undefined) {
      throw problem("INPUT_INVALID", `Command "${wanted}" is unknown`, didYouMean(wanted, Object.keys(commands)) ?? "Run: tidegate --help");
    }
    const command = new Command(`tidegate ${wanted}`).description(entry.summary).exitOverride().showSuggestionAfterError();
    let help = "";
    const writeOut = (text: string) => {
      help += text;
    };
    command.configureOutput({ writeOut, writeErr: () => undefined });
    command.hook("preAction", () => terminal.configure(given()));
    given = () => givenOptions(command);
    (await entry.load()).define(command, { io, bundled });
    try {
      await command.parseAsync(args, { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) throw usage(error, wanted);
      await io.out(help);
    }
  }

  async function fail(reported: Problem): Promise<void> {
    // Whoever stopped reading has what they wanted.
    if (io.closed && reported.code === "CANCELLED") return;
    process.exitCode = problemTable[reported.code].exit;
    const options = given();
    process.stderr.write(rendered(reported, options));
    if (reported.code === "INTERNAL") await (await import("./open.ts")).logCause(reported, options, { io, bundled });
    // What keeps standard output from being written was already told, or came second.
    await terminal.flush().catch(() => undefined);
  }
}

/** What the command line says, of a command and whichever of its actions was asked for. */
function givenOptions(command: Command): GivenOptions {
  const own = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) === "cli");
  return Object.assign(Object.fromEntries(own), ...command.commands.map(givenOptions));
}

function overview(commands: typeof table): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `tidegate: one binary between AI assistants (and people) and any SQL database

Usage: tidegate <command> [arguments]

Commands:
${lines.join("\n")}

Try:
  tidegate demo                                     a sample database to play with
  tidegate query shop.db 'select count(*) from orders'
  tidegate serve --connection shop=./shop.db        an MCP server for Claude, Cursor, VS Code

Every command explains itself: tidegate <command> --help
`;
}

function rendered(reported: Problem, { format }: GivenOptions): string {
  if (format === "json") return `${JSON.stringify(toPublic(reported))}\n`;
  return `Error: ${reported.message}\n${reported.hint === undefined ? "" : `Try: ${reported.hint}\n`}`;
}

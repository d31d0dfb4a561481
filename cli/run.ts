import { Command, CommanderError } from "commander";
import type { BundledPlugins } from "../core/plugin/registry.ts";
import { asProblem, didYouMean, type Problem, problem, problemTable, toPublic } from "../core/problem.ts";
import type { commands as table } from "./commands.ts";
import { createIo } from "./terminal.ts";

/** Runs one command to its end, prints a problem if there is one, and sets the exit code. */
export async function run(what: {
  readonly name: string | undefined;
  readonly rest: readonly string[];
  readonly commands: typeof table;
  readonly bundled: BundledPlugins;
  readonly version: string;
}): Promise<void> {
  const { name, rest, commands } = what;
  const { io, close } = createIo({ args: rest, version: what.version });
  try {
    if (name === undefined || name === "help" || name === "--help" || name === "-h") {
      const [asked] = rest;
      if (name === "help" && asked !== undefined) await runCommand(asked, ["--help"]);
      else await io.out(overview(commands));
    } else await runCommand(name, rest);
  } catch (error) {
    const reported = asProblem(error);
    if (!io.closed) process.stderr.write(rendered(reported, rest, error));
    process.exitCode = problemTable[reported.code].exit;
  } finally {
    close();
  }
  // Engines may hold threads that outlive a cancel; the work is over once the output is out.
  await flushed();
  process.exit();

  async function runCommand(wanted: string, args: readonly string[]): Promise<void> {
    const entry = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
    if (entry === undefined) {
      throw problem("INPUT_INVALID", `Command "${wanted}" is unknown`, didYouMean(wanted, Object.keys(commands)) ?? "Run: tidegate --help");
    }
    const command = new Command(`tidegate ${wanted}`).description(entry.summary).exitOverride().showSuggestionAfterError();
    command.configureOutput({ writeOut: (text) => void io.out(text), writeErr: () => undefined });
    (await entry.load()).define(command, { io, bundled: what.bundled });
    try {
      await command.parseAsync(args, { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) throw usage(error, wanted);
    }
  }
}

function usage({ message }: CommanderError, command: string): Problem {
  const [first = message, suggestion] = message.replace(/^error: /, "").split("\n");
  const text = first
    .replace(/^./, (letter) => letter.toUpperCase())
    .replace(/\.$/, "")
    .replaceAll("'", '"');
  return problem("INPUT_INVALID", text, suggestion?.replace(/[()]/g, "") ?? `Run: tidegate ${command} --help`);
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

function rendered(reported: Problem, args: readonly string[], error: unknown): string {
  const format = args.indexOf("--format");
  if (args[format + 1] === "json" && format >= 0) return `${JSON.stringify(toPublic(reported))}\n`;
  const debugging = args.includes("debug") ? `${String((error as Error).cause ?? (error as Error).stack)}\n` : "";
  return `Error: ${reported.message}\n${reported.hint === undefined ? "" : `Try: ${reported.hint}\n`}${debugging}`;
}

async function flushed(): Promise<void> {
  const drain = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => (stream.destroyed || stream.closed ? resolve() : stream.write("", () => resolve())));
  await Promise.all([drain(process.stdout), drain(process.stderr)]);
}

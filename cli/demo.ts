import { realpathSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Command } from "commander";
import { demoCommands, shellWord } from "../core/demo/commands.ts";
import { createDemo, type DemoReport } from "../core/demo/demo.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";

export function define(command: Command, { io }: CommandContext): void {
  command
    .argument("[folder]", "where to put it", "./tidegate-demo")
    .option("-q, --quiet", "print the commands only")
    .addHelpText("after", examples)
    .action((folder: string) => demo(folder, io));
}

const examples = `
Examples:
  tidegate demo
  tidegate demo /tmp/shop

Makes shop.db (SQLite), the same orders as Parquet files for DuckDB, and customers.csv: 159,289 rows
of an invented shop, the same on every machine. Nothing is downloaded.`;

async function demo(shown: string, io: Io): Promise<void> {
  const folder = resolve(io.cwd, shown);
  const report = await createDemo({ folder, signal: io.signal, progress: (step) => io.redraw(`${step} …`) });
  io.redraw("");
  io.note(summary(report, shown));
  for (const { about, line } of demoCommands({ folder, shown, binary: binaryName(io) })) await io.out(`# ${about}\n${line}\n\n`);
}

function summary({ rows, tables, files }: DemoReport, shown: string): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `Created ${rows.toLocaleString("en")} rows in ${tables.length} tables, ${(bytes / 1e6).toFixed(1)} MB, in ${shown}. Five commands to try:\n`;
}

/** `tidegate` when the shell finds this very program under that name, else the words that start it. */
function binaryName({ self, env }: Io): string {
  const [program = "", ...rest] = self;
  const onPath = rest.length === 0 && (env.PATH ?? "").split(delimiter).some((folder) => isSame(join(folder, "tidegate"), program));
  return onPath ? "tidegate" : self.map((word) => shellWord(word)).join(" ");
}

function isSame(candidate: string, program: string): boolean {
  try {
    return realpathSync(candidate) === realpathSync(program);
  } catch {
    // Most folders of PATH hold no tidegate.
    return false;
  }
}

import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { type App, exportFormats } from "../core/app.ts";
import type { ExportReport, QueryInput } from "../core/contract/tool.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { withTarget } from "./open.ts";
import { collect, commonOptions, durationOption } from "./options.ts";
import { createProgress } from "./progress.ts";
import { readParams, readSql, type StatementOptions } from "./statement.ts";

interface ExportOptions extends StatementOptions {
  readonly to: string;
  readonly table?: string;
  readonly format?: string;
  readonly overwrite?: boolean;
  readonly meta: boolean;
  readonly timeout?: number;
}

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("<target>", "a file, folder, glob, URL or configured connection")
    .argument("[sql]", "one SQL statement; without it, --table, -f or standard input")
    .requiredOption("--to <file>", "where to write; its ending says the format, and .gz or .zst the compression")
    .option("--table <name>", "export this whole table or view")
    .option("-f, --file <file>", "read the SQL from a file")
    .option("--param <name=value>", "value for a named placeholder, repeatable", collect)
    .option("-p <value>", "value for the next positional placeholder, repeatable", collect)
    .addOption(new Option("--format <format>", "file format (default: by the file's ending)").choices(exportFormats))
    .option("--overwrite", "replace the file if it exists")
    .option("--no-meta", "write no .meta.json beside the file")
    .addOption(durationOption("--timeout <duration>", "stop the statement after this long, e.g. 10m"))
    .addHelpText("after", examples)
    .action((target: string, sql: string | undefined, options: ExportOptions) => exportCommand(target, sql, options, context));
}

const examples = `
Examples:
  tidegate export shop.db --table orders --to orders.parquet
  tidegate export shop.db 'select * from orders where total > 100' --to big.csv.gz
  tidegate export lake/ 'select * from events' --to events.xlsx --overwrite
  tidegate export shop.db -f report.sql --to report.json --no-meta`;

async function exportCommand(target: string, sql: string | undefined, options: ExportOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const { table, timeout } = options;
  if (table !== undefined && sql !== undefined) throw problem("INPUT_INVALID", "SQL and --table were both given", "Give one of them");
  const statement = table === undefined ? await readSql(sql, options, io) : undefined;
  await withTarget("export", target, options, context, async (app, connection, caller) => {
    const text = statement ?? (await app.selectAll(connection, table ?? "", caller.signal));
    const input = { sql: text, connection, params: readParams(options), ...(timeout !== undefined && { maxMillis: timeout }) };
    const total = table === undefined ? undefined : await estimatedRows(app, connection, table, caller);
    await write(app, input, options, total, caller, io);
  });
}

async function write(
  app: App,
  input: QueryInput,
  options: ExportOptions,
  total: number | undefined,
  caller: Caller,
  io: Io,
): Promise<void> {
  const progress = createProgress(io, total);
  let report: ExportReport;
  try {
    const { to, format, overwrite = false, meta } = options;
    report = await app.export(input, { to: resolve(io.cwd, to), format, overwrite, meta, onProgress: progress.show }, caller);
  } finally {
    progress.end();
  }
  io.note(
    `Wrote ${options.to}: ${report.rows} ${report.rows === 1 ? "row" : "rows"}, ${report.bytes} bytes in ${report.seconds.toFixed(2)} s`,
  );
}

/** What the engine believes a table holds; good enough for an estimate of the time left. */
async function estimatedRows(app: App, connection: string, table: string, { signal }: Caller): Promise<number | undefined> {
  const [object] = await app.object(connection, table, "columns", signal);
  return object?.estimatedRows;
}

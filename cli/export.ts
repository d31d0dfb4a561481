import { statSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { type App, type AppExport, exportFormats, readSplit } from "../core/app.ts";
import type { ExportReport } from "../core/contract/tool.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { exportLines } from "./export-report.ts";
import type { Io } from "./io.ts";
import { configOf, withApp, withTarget } from "./open.ts";
import { collect, commonOptions, durationOption } from "./options.ts";
import { createProgress } from "./progress.ts";
import { readParams, readSql, type StatementOptions } from "./statement.ts";

interface ExportOptions extends StatementOptions {
  readonly to: string;
  readonly table?: string;
  readonly from?: string;
  readonly format?: string;
  readonly compress?: "gzip" | "zstd";
  readonly partitionBy?: string;
  readonly split?: string;
  readonly append?: boolean;
  readonly overwrite?: boolean;
  readonly meta: boolean;
  readonly timeout?: number;
  readonly jobs?: number;
}

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("[target]", "a file, folder, glob, URL or configured connection; none with --from")
    .argument("[sql]", "one SQL statement; without it, --table, -f or standard input")
    .requiredOption("--to <path>", "a file, whose ending says the format and compression, or a folder; {table}, {time} … are filled in")
    .option("--table <name>", "export this whole table or view")
    .option("--from <result>", "export a kept result, such as r1")
    .addOption(jobsOption())
    .option("-f, --file <file>", "read the SQL from a file")
    .option("--param <name=value>", "value for a named placeholder, repeatable", collect)
    .option("-p <value>", "value for the next positional placeholder, repeatable", collect)
    .addOption(new Option("--format <format>", "file format (default: by the file's ending)").choices(exportFormats))
    .addOption(new Option("--compress <how>", "compression (default: by the file's ending)").choices(["gzip", "zstd"]))
    .option("--partition-by <columns>", "write a folder with one folder for each value, e.g. region,year")
    .option("--split <size>", "write several files of so many rows or bytes, e.g. rows=1000000 or 100MB")
    .option("--append", "add the rows to the file if it exists (csv, tsv, ndjson)")
    .option("--overwrite", "replace the file if it exists")
    .option("--no-meta", "write no .meta.json beside the file")
    .addOption(durationOption("--timeout <duration>", "stop the statement after this long, e.g. 10m"))
    .addHelpText("after", examples)
    .action((target: string | undefined, sql: string | undefined, options: ExportOptions) =>
      options.from === undefined ? exportCommand(target, sql, options, context) : exportKept([target, sql], options, context),
    );
}

const examples = `
Examples:
  tidegate export shop.db --table orders --to orders.parquet
  tidegate export shop.db 'select * from orders where total > 100' --to big.csv.gz
  tidegate export lake/ 'select * from events' --to events.xlsx --overwrite
  tidegate export shop.db -f report.sql --to report.json --no-meta
  tidegate export --from r1 --to r1.parquet
  tidegate export shop.db --table orders --to archive/
  tidegate export shop.db --table orders --to 'orders-{date}.{format}' --format ndjson
  tidegate export shop.db --table orders --to orders.csv --split 100MB
  tidegate export shop.db --table orders --to orders --partition-by region,year
  tidegate export shop.db 'select * from orders where id > 900' --to orders.csv --append`;

/** @throws NOT_FOUND, RESULT_EXPIRED */
async function exportKept(given: readonly (string | undefined)[], options: ExportOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const { from = "", table, jobs, file, param, p, timeout } = options;
  if ([...given, table, jobs, file, param, p].some((value) => value !== undefined))
    throw problem(
      "INPUT_INVALID",
      "--from was given together with a target or a statement",
      "Give --from and --to alone: a result is written whole",
    );
  const wish = readWish(options, io.cwd);
  await withApp("export", [], await configOf(options, context), context, async (app, caller) => {
    const total = (await app.results?.find(app.principal, from))?.rows;
    await write({ app, caller, io, total, shown: options.to }, { from, ...(timeout !== undefined && { maxMillis: timeout }) }, wish);
  });
}

async function exportCommand(
  target: string | undefined,
  sql: string | undefined,
  options: ExportOptions,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  if (target === undefined)
    throw problem("INPUT_INVALID", 'Missing required argument "target"', "Name a database, or a kept result with --from");
  const { table: name, timeout, jobs } = options;
  if (name !== undefined && sql !== undefined) throw problem("INPUT_INVALID", "SQL and --table were both given", "Give one of them");
  if (name === undefined && jobs !== undefined)
    throw problem("INPUT_INVALID", "--jobs is for a whole table, and none was named", "Name one with --table, or leave --jobs out");
  const wish = readWish(options, io.cwd);
  const given = name === undefined ? { sql: await readSql(sql, options, io) } : undefined;
  await withTarget("export", target, options, context, async (app, connection, caller) => {
    const { sql: text, ...whole } = given ?? (await app.selectAll(connection, name ?? "", caller));
    const input = { sql: text, connection, params: readParams(options), ...(timeout !== undefined && { maxMillis: timeout }) };
    const total = name === undefined ? undefined : await estimatedRows(app, connection, name, caller);
    await write({ app, caller, io, total, shown: options.to }, input, { ...whole, ...wish, jobs });
  });
}

/** What to write, and where. @throws INPUT_INVALID */
function readWish({ to, format, compress, partitionBy, split, append, overwrite = false, meta }: ExportOptions, cwd: string): AppExport {
  const path = resolve(cwd, to);
  const columns = partitionBy?.split(",").map((column) => column.trim());
  if (columns?.includes(""))
    throw problem("INPUT_INVALID", `Cannot read --partition-by "${partitionBy}"`, "For example: --partition-by region,year");
  const inFolder = columns === undefined && (/[/\\]$/.test(to) || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  return {
    to: inFolder ? `${path}${sep}` : path,
    format,
    compress: compress && ({ gzip: "gz", zstd: "zst" } as const)[compress],
    partitionBy: columns,
    split: split === undefined ? undefined : readSplit(split),
    append,
    overwrite,
    meta,
  };
}

interface Writing {
  readonly app: App;
  readonly caller: Caller;
  readonly io: Io;
  readonly total: number | undefined;
  /** The path as it was given. */
  readonly shown: string;
}

async function write({ app, caller, io, total, shown }: Writing, input: Parameters<App["export"]>[0], request: AppExport): Promise<void> {
  const progress = createProgress(io, total);
  let report: ExportReport;
  try {
    report = await app.export(input, { ...request, onProgress: progress.show }, caller);
  } finally {
    progress.end();
  }
  const name = (path: string) => (isAbsolute(shown) ? path : relative(io.cwd, path));
  for (const line of exportLines(report, request.meta, name)) io.note(line);
}

function jobsOption(): Option {
  return new Option("--jobs <n>", "connections that read one table, where the engine can (default: 2 for a large table)").argParser(
    (text) => {
      const jobs = /^\d{1,2}$/.test(text) ? Number(text) : 0;
      if (jobs < 1) throw problem("INPUT_INVALID", `Cannot read --jobs "${text}": wanted a number from 1 to 99`, "For example: --jobs 4");
      return jobs;
    },
  );
}

/** What the engine believes a table holds; good enough for an estimate of the time left. */
async function estimatedRows(app: App, connection: string, table: string, caller: Caller): Promise<number | undefined> {
  const [object] = await app.object(connection, table, "columns", caller);
  return object?.estimatedRows;
}

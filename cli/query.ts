import { type Command, Option } from "commander";
import { type App, formatNamed } from "../core/app.ts";
import type { QueryInput } from "../core/contract/tool.ts";
import { problem } from "../core/problem.ts";
import type { Caller, Prepared } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { withTarget } from "./open.ts";
import { collect, commonOptions, durationOption, rowsOption } from "./options.ts";
import { readParams, readSql, type StatementOptions } from "./statement.ts";

interface QueryOptions extends StatementOptions {
  readonly format?: string;
  readonly limit?: number;
  readonly write?: boolean;
  readonly dryRun?: boolean;
  readonly timeout?: number;
}

const formats = ["table", "csv", "tsv", "json", "ndjson", "markdown", "vertical"];

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("<target>", "a file, folder, glob, URL or configured connection")
    .argument("[sql]", "one SQL statement; without it, -f or standard input")
    .option("-f, --file <file>", "read the SQL from a file")
    .option("--param <name=value>", "value for a named placeholder, repeatable", collect)
    .option("-p <value>", "value for the next positional placeholder, repeatable", collect)
    .addOption(new Option("--format <format>", "output format (default: table on a terminal, else csv)").choices(formats))
    .addOption(rowsOption("--limit <rows>", "stop after this many rows"))
    .option("--write", "open the gate for this one call")
    .option("--dry-run", "with --write: tell what would change, and change nothing")
    .addOption(durationOption("--timeout <duration>", "stop the statement after this long, e.g. 30s"))
    .addHelpText("after", examples)
    .action((target: string, sql: string | undefined, options: QueryOptions) => query(target, sql, options, context));
}

const examples = `
Examples:
  tidegate query shop.db 'select * from orders limit 5'
  tidegate query orders.parquet 'select status, count(*) from orders group by all' --format json
  tidegate query shop.db 'select * from customers where city = :city' --param city=Lisbon
  tidegate query shop.db -f report.sql --format markdown > report.md
  tidegate query shop.db --write "update orders set status = 'sent' where id = 7"
  tidegate query shop.db --write --dry-run "delete from orders where status = 'cancelled'"`;

async function query(target: string, sql: string | undefined, options: QueryOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const statement = await readSql(sql, options, io);
  const format = options.format ?? (io.terminal === undefined ? "csv" : "table");
  const params = readParams(options);
  await withTarget("query", target, options, context, async (app, connection, caller) => {
    const access = options.write ? "write" : "read";
    const input = {
      sql: statement,
      connection,
      access,
      params,
      ...(options.timeout !== undefined && { maxMillis: options.timeout }),
    } as const;
    if (options.dryRun) return dryRun(app, input, options, caller, io);
    await using prepared = await app.prepare(input, caller);
    const serializing = caller.span.child("serialize");
    await print(prepared, format, options, io).finally(() => serializing.end());
  });
}

/** What a write would do is told in words, whatever the format. */
async function dryRun(app: App, { access, ...input }: QueryInput, { format, limit }: QueryOptions, caller: Caller, io: Io): Promise<void> {
  const [spare] = [format !== undefined && "--format", limit !== undefined && "--limit"].filter((option) => option !== false);
  if (spare !== undefined) throw problem("INPUT_INVALID", `A dry run takes no ${spare}`, `Leave ${spare} out`);
  if (access !== "write") throw problem("INPUT_INVALID", "A dry run is for a statement that changes something", "Add --write");
  const told = await app.execute({ ...input, dryRun: true }, caller);
  if ("text" in told) await io.out(`${told.text}\n`);
}

async function print(prepared: Prepared, format: string, options: QueryOptions, io: Io): Promise<void> {
  const exporter = formatNamed(format);
  await using rows = await prepared.rows(options.limit);
  for await (const chunk of exporter.encode(rows, { signal: io.signal, tempFolder: "", ...(io.terminal && { terminal: io.terminal }) })) {
    await io.out(chunk);
    if (io.closed) return;
  }
  if (rows.affectedRows !== undefined) io.note(`${rows.affectedRows} ${rows.affectedRows === 1 ? "row" : "rows"} affected`);
  if (rows.passed.cut !== false) io.note(`Stopped after ${rows.passed.rows} rows: there are more`);
}

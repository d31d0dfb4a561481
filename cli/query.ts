import { type Command, Option } from "commander";
import type { App } from "../core/app.ts";
import type { QueryInput } from "../core/contract/tool.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { withTarget } from "./open.ts";
import { collect, commonOptions, durationOption, rowsOption } from "./options.ts";
import { printRows } from "./print-rows.ts";
import { type KeepOptions, queryKept, refuseKeeping } from "./query-again.ts";
import { readParams, readSql, type StatementOptions } from "./statement.ts";

export interface QueryOptions extends StatementOptions, KeepOptions {
  readonly connection?: readonly string[];
  readonly explain?: boolean;
  readonly timeout?: number;
}

const formats = ["table", "csv", "tsv", "json", "ndjson", "markdown", "vertical"];

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("[target]", "a file, folder, glob, URL or configured connection; none with --connection")
    .argument("[sql]", "one SQL statement; without it, -f or standard input")
    .option("--connection <name=target>", "a database whose tables the SQL names as name.table, repeatable; or a configured name", collect)
    .option("--explain", "with --connection: tell what each database would be asked, and ask none")
    .option("-f, --file <file>", "read the SQL from a file")
    .option("--param <name=value>", "value for a named placeholder, repeatable", collect)
    .option("-p <value>", "value for the next positional placeholder, repeatable", collect)
    .addOption(new Option("--format <format>", "output format (default: table on a terminal, else csv)").choices(formats))
    .addOption(rowsOption("--limit <rows>", "stop after this many rows"))
    .option("--write", "open the gate for this one call")
    .option("--dry-run", "with --write: tell what would change, and change nothing")
    .option("--keep", "keep the whole result, and print its name instead of its rows")
    .addOption(durationOption("--max-age <duration>", "take a kept answer that is no older, e.g. 5m; keep it otherwise"))
    .option("--fresh", "ask anew, though the connection has a cache")
    .addOption(durationOption("--timeout <duration>", "stop the statement after this long, e.g. 30s"))
    .addHelpText("after", examples)
    .action(async (target: string | undefined, sql: string | undefined, options: QueryOptions) => {
      if (options.connection === undefined) return query(target, sql, options, context);
      refuseKeeping(options);
      const { federated } = await import("./federated.ts");
      return federated([target, sql], options, context);
    });
}

const examples = `
Examples:
  tidegate query shop.db 'select * from orders limit 5'
  tidegate query orders.parquet 'select status, count(*) from orders group by all' --format json
  tidegate query shop.db 'select * from customers where city = :city' --param city=Lisbon
  tidegate query shop.db -f report.sql --format markdown > report.md
  tidegate query shop.db --write "update orders set status = 'sent' where id = 7"
  tidegate query shop.db --write --dry-run "delete from orders where status = 'cancelled'"
  tidegate query shop.db 'select * from orders' --keep
  tidegate query shop.db 'select count(*) from order_items' --max-age 5m
  tidegate query --connection a=shop.db --connection b=people.csv 'select b.name, o.total from a.orders o join b.people b on b.id = o.customer_id'`;

async function query(target: string | undefined, sql: string | undefined, options: QueryOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  if (target === undefined)
    throw problem("INPUT_INVALID", 'Missing required argument "target"', "Name a database: tidegate query shop.db 'select 1'");
  if (options.explain)
    throw problem("INPUT_INVALID", "--explain tells what several databases are asked", 'Write "explain select …" for one');
  const statement = await readSql(sql, options, io);
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
    if (await queryKept(app, input, options, caller, io)) return;
    if (options.dryRun) return dryRun(app, input, options, caller, io);
    await using prepared = await app.prepare(input, caller);
    const rows = await prepared.rows(options.limit);
    const serializing = caller.span.child("serialize");
    await printRows(rows, options, io).finally(() => serializing.end());
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

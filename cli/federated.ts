import { namedConnections } from "../core/app.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configOf, withApp } from "./open.ts";
import { printRows } from "./print-rows.ts";
import type { QueryOptions } from "./query.ts";
import { readParams, readSql } from "./statement.ts";

/** One statement over tables of the databases that `--connection` names. */
export async function federated(
  [sql, spare]: readonly [string | undefined, string | undefined],
  options: QueryOptions,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  if (spare !== undefined)
    throw problem("INPUT_INVALID", "With --connection the SQL is the only argument", "Give every database with --connection name=target");
  if (options.write || options.dryRun)
    throw problem("INPUT_INVALID", "Statements over several databases only read", "Write to one: tidegate query <target> --write");
  const statement = await readSql(sql, options, io);
  const config = await configOf(options, context);
  const connections = namedConnections(options.connection ?? [], config, io.cwd);
  const { timeout: maxMillis } = options;
  const input = { sql: statement, params: readParams(options), maxMillis };
  await withApp("query", connections, config, context, async (app, caller) => {
    const federator = await app.federator();
    if (options.explain) return void (await io.out(await federator.explain(input, caller)));
    const rows = await federator.rows(input, caller, options.limit);
    const serializing = caller.span.child("serialize");
    await printRows(rows, options, io).finally(() => serializing.end());
  });
}

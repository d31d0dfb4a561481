import type { CommandContext } from "./commands.ts";
import { tellKept } from "./kept.ts";
import { printRows } from "./print-rows.ts";
import { type ResultsOptions, withResults } from "./results-open.ts";
import { readParams, readSql, type StatementOptions } from "./statement.ts";

interface ResultsQueryOptions extends ResultsOptions, StatementOptions {
  readonly limit?: number;
  readonly keep?: boolean;
  readonly timeout?: number;
}

/** Runs one statement over kept results, and prints its rows or keeps them. */
export async function query([text]: readonly string[], options: ResultsQueryOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const sql = await readSql(text, options, io);
  const input = { sql, params: readParams(options), ...(options.timeout !== undefined && { maxMillis: options.timeout }) };
  await withResults("query", options, context, async (results, app, caller) => {
    await using caged = await app.caged(input, caller);
    const rows = await caged.rows(options.limit);
    if (!options.keep) return await printRows(rows, options, io);
    await using all = rows;
    return await tellKept(await results.keep({ rows: all }, caller.principal, { lineage: caged.lineage }, caller.signal), io);
  });
}

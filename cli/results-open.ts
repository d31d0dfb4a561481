import { type App, formatNamed } from "../core/app.ts";
import type { Column, LogicalType, RowStream, Value } from "../core/contract/rows.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { Results } from "../core/results/results.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, configOf, withApp } from "./open.ts";

/** Options of every action on results. */
export interface ResultsOptions extends CommonOptions {
  readonly format?: string;
}

/** Opens an app without connections, for what is kept already. @throws UNSUPPORTED where nothing is */
export async function withResults(
  action: string,
  options: ResultsOptions,
  context: CommandContext,
  work: (results: Results, app: App, caller: Caller) => Promise<void>,
): Promise<void> {
  const config = await configOf(options, context);
  await withApp(`results ${action}`, [], config, context, async (app, caller) => {
    if (app.results === undefined)
      throw problem("UNSUPPORTED", "Results are not kept here", "Set results.mode to on in tidegate.yaml, or TIDEGATE_RESULTS_MODE=on");
    await work(app.results, app, caller);
  });
}

/** A column of what is printed, made of one thing for each row. */
export interface Field<Item> {
  readonly name: string;
  readonly type?: LogicalType;
  value(item: Item): Value | undefined;
}

/** Things as rows. */
export function rowsOf<Item>(items: readonly Item[], fields: readonly Field<Item>[]): RowStream {
  return {
    columns: fields.map(({ name, type = "text" }): Column => ({ name, type, nativeType: "" })),
    async *[Symbol.asyncIterator]() {
      if (items.length > 0) yield { length: items.length, columns: fields.map(({ value }) => items.map((item) => value(item) ?? null)) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Prints rows as a person or a pipe wants them. */
export async function printItems(rows: RowStream, format: string, io: Io): Promise<void> {
  const chunks = formatNamed(format).encode(rows, { signal: io.signal, tempFolder: "", ...(io.terminal && { terminal: io.terminal }) });
  for await (const chunk of chunks) {
    await io.out(chunk);
    if (io.closed) return;
  }
}

export const rowFormat = ({ format }: ResultsOptions, { terminal }: Io, onTerminal = "table"): string =>
  format ?? (terminal === undefined ? "csv" : onTerminal);

import type { StoredResult } from "../core/contract/results.ts";
import { problem } from "../core/problem.ts";
import { timeText } from "../core/results/lineage-text.ts";
import type { CommandContext } from "./commands.ts";
import { type Field, printItems, type ResultsOptions, rowFormat, rowsOf, withResults } from "./results-open.ts";

const brief: readonly Field<StoredResult>[] = [
  { name: "name", value: ({ name }) => name },
  { name: "rows", type: "bigint", value: ({ rows }) => rows },
  { name: "columns", type: "int", value: ({ columns }) => columns.length },
  { name: "bytes", type: "bigint", value: ({ bytes }) => bytes },
  { name: "truncated", value: ({ truncated }) => truncated },
  { name: "connection", value: ({ lineage }) => lineage.connection },
  { name: "created", value: ({ created }) => timeText(created) },
  { name: "expires", value: ({ expires }) => timeText(expires) },
];
const sql: Field<StoredResult> = { name: "sql", value: ({ lineage }) => lineage.sql };

const whole: readonly Field<StoredResult>[] = [
  ...brief.filter(({ name }) => name !== "columns"),
  { name: "columns", value: ({ columns }) => columns.map(({ name, type, nativeType }) => `${name} ${nativeType || type}`).join(", ") },
  { name: "objects", value: ({ lineage }) => lineage.objects.join(", ") || undefined },
  { name: "parents", value: ({ lineage }) => lineage.parents.join(", ") || undefined },
  { name: "fingerprint", value: ({ lineage }) => lineage.fingerprint },
  { name: "policy", value: ({ lineage }) => lineage.policy },
  { name: "trace", value: ({ lineage }) => lineage.traceId },
  sql,
];

export async function list(_: readonly string[], options: ResultsOptions, context: CommandContext): Promise<void> {
  await withResults("list", options, context, async (results, app) => {
    const kept = await results.list(app.principal);
    await printItems(rowsOf(kept, [...brief, sql]), rowFormat(options, context.io), context.io);
    if (kept.length === 0) context.io.note("No result is kept: a large one is, and any with tidegate query --keep");
  });
}

export async function show([name = ""]: readonly string[], options: ResultsOptions, context: CommandContext): Promise<void> {
  await withResults("show", options, context, async (results, app) => {
    const stored = await results.find(app.principal, name);
    await printItems(rowsOf([stored], whole), rowFormat(options, context.io, "vertical"), context.io);
  });
}

export async function remove(
  names: readonly string[],
  options: ResultsOptions & { readonly all?: boolean },
  context: CommandContext,
): Promise<void> {
  if (names.length > 0 === (options.all ?? false))
    throw problem("INPUT_INVALID", "Results to remove were not named, or --all was given as well", "Name some, or give --all");
  await withResults("rm", options, context, async (results, app) => {
    const wanted = options.all
      ? (await results.list(app.principal)).map(({ name }) => name)
      : [...new Set(names.map((name) => name.toLowerCase()))];
    // All of them have to be there before any goes.
    const found = await Promise.all(wanted.map((name) => results.find(app.principal, name)));
    for (const { name } of found) await results.remove(app.principal, name);
    const bytes = found.reduce((sum, stored) => sum + stored.bytes, 0);
    context.io.note(`Removed ${counted(found.length)}, ${bytes} bytes`);
  });
}

export async function collectGarbage(_: readonly string[], options: ResultsOptions, context: CommandContext): Promise<void> {
  await withResults("gc", options, context, async (results) => {
    const removed = await results.sweep();
    context.io.note(`Removed ${counted(removed.results)}, ${removed.bytes} bytes`);
  });
}

const counted = (count: number): string => `${count} ${count === 1 ? "result" : "results"}`;

import type { App } from "../core/app.ts";
import type { QueryInput } from "../core/contract/tool.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { Io } from "./io.ts";
import { tellKept } from "./kept.ts";
import { printRows } from "./print-rows.ts";

/** Options of a query whose result is kept, or may have been kept before. */
export interface KeepOptions {
  readonly keep?: boolean;
  readonly maxAge?: number;
  readonly fresh?: boolean;
  readonly write?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly format?: string;
}

/**
 * Keeps a result and prints its name, or answers from one that is young enough. Says whether it did: one that is too
 * large to be kept whole is better read again.
 */
export async function queryKept(app: App, input: QueryInput, options: KeepOptions, caller: Caller, io: Io): Promise<boolean> {
  const maxAge = ageOf(app, input, options);
  if (!options.keep && maxAge === undefined) return false;
  if (options.keep && (options.format ?? options.limit) !== undefined)
    throw problem(
      "INPUT_INVALID",
      "With --keep no rows are printed",
      "Leave --format and --limit out, and read on with: tidegate results query",
    );
  const stored = await app.land(input, caller, maxAge);
  const age = Date.now() - stored.created;
  if (options.keep) {
    await tellKept(stored, io);
    return true;
  }
  if (stored.truncated !== undefined) {
    io.note(`Not kept for another time: larger than what is kept (truncated: ${stored.truncated})`);
    return false;
  }
  if (stored.lineage.traceId !== caller.span.traceId) io.note(`Read ${Math.round(age / 1000)} s ago, kept as ${stored.name}`);
  await using caged = await app.caged({ sql: `select * from ${stored.name}` }, caller);
  await printRows(await caged.rows(options.limit), options, io);
  return true;
}

/** @throws INPUT_INVALID for a statement over several databases */
export function refuseKeeping(options: KeepOptions): void {
  const [asked] = askedFor(options);
  if (asked !== undefined)
    throw problem(
      "INPUT_INVALID",
      `${asked} is for a statement on one database`,
      'Keep each part with --keep, and join them with: tidegate results query "select … from r1 join r2 …"',
    );
}

const askedFor = ({ keep, maxAge, fresh }: KeepOptions): string[] =>
  [keep && "--keep", maxAge !== undefined && "--max-age", fresh && "--fresh"].filter((name) => typeof name === "string");

/** How old an answer may be: as the call says, else as its connection does; absent means that none is kept. */
function ageOf(app: App, { connection = "" }: QueryInput, options: KeepOptions): number | undefined {
  const { maxAge, fresh, write, dryRun } = options;
  const asked = askedFor(options);
  if (maxAge !== undefined && fresh) throw problem("INPUT_INVALID", "--max-age and --fresh exclude each other", "Give one of them");
  if (write || dryRun) {
    if (asked.length === 0) return undefined;
    throw problem("INPUT_INVALID", `${asked[0]} is for statements that read`, `Leave ${asked[0]} out`);
  }
  const configured = app.results && app.connections.settings(connection).cacheMillis;
  return fresh ? 0 : (maxAge ?? configured);
}

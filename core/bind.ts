import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "./app.ts";
import type { AuditFacts } from "./audit/call.ts";
import type { Lineage, StoredResult } from "./contract/results.ts";
import type { InlineResult, InlineWish, PageInput, Person, QueryInput, StoredBytesInput } from "./contract/tool.ts";
import { formatNamed } from "./export/formats.ts";
import { describeNarrowing } from "./policy/narrowing-text.ts";
import { type Problem, problem } from "./problem.ts";
import { openCaged } from "./query/caged.ts";
import { togetherOf } from "./query/federate-facts.ts";
import { lineageOf } from "./query/lineage.ts";
import { questionOf } from "./query/question.ts";
import { hidesRows, withheldPlan } from "./query/restricted.ts";
import type { Caller, Prepared, QueryStream } from "./query/run.ts";
import { settingThatCut } from "./query/whole.ts";
import { type Keeping, preview } from "./results/preview.ts";
import { noResults } from "./results/results.ts";
import type { Bind } from "./tools/call.ts";

/** What a tool may do, bound to one caller. */
export function bind(app: App, caller: Caller, person?: Person): ReturnType<Bind> {
  const { limits } = app.config;
  const timed = { maxMillis: limits.timeoutMillis };
  const shown = (rows: QueryStream, { maxRows, format = "csv" }: InlineWish, keeping?: Keeping): Promise<InlineResult> => {
    const serializing = caller.span.child("serialize");
    const budget = {
      rows: Math.min(maxRows ?? limits.inlineRows, limits.maxRows),
      bytes: maxRows === undefined ? limits.inlineBytes : limits.frameBytes,
      countMillis: 200,
    };
    return preview(rows, format, budget, keeping).finally(() => serializing.end());
  };
  const page = ({ cursor, ...wish }: PageInput) => pageOf(app, caller, cursor, wish, shown);

  return {
    async query({ maxRows, format, maxAgeMillis, ...input }) {
      const wish = { ...(maxRows !== undefined && { maxRows }), ...(format && { format }) };
      await using prepared = await app.prepare({ ...timed, ...input }, caller);
      const settings = app.connections.settings(prepared.connection);
      const maxAge = maxAgeMillis ?? settings.cacheMillis;
      const asked = maxAge === undefined ? undefined : questionOf(prepared, input, caller.principal, settings.target);
      const stored = asked && (await app.results?.answer(caller.principal, asked, maxAge ?? 0));
      if (stored) {
        // The record is of what was asked, not of how it was answered.
        const asking: Caller = { ...caller, note: ({ rows = 0 }) => caller.note?.({ rows }) };
        return { ...(await pageOf(app, asking, stored.name, wish, shown)), age: Date.now() - stored.created };
      }
      const written = app.results?.writes(prepared.connection);
      const stale = () => app.results?.writes(prepared.connection) !== written;
      await using rows = await prepared.rows();
      // A statement that has been cut off by its time limit has no rows to show.
      const maxMillis = 0.7 * Math.min(settings.timeoutMillis ?? limits.timeoutMillis, input.maxMillis ?? limits.timeoutMillis);
      const keeping = keepingOf(app, caller, { prepared, rows, sql: input.sql, asked, stale, maxMillis });
      return told(await shown(rows, wish, keeping), { rows, prepared, wish }, app);
    },
    page,
    async analyze({ maxRows, format, from = {}, ...input }) {
      const results = storing(app);
      const besides = await landed(app, caller, from);
      await using caged = await openCaged(results, { ...timed, ...input, besides }, caller);
      await using rows = await caged.rows();
      const keep: Keeping["keep"] = (all) =>
        results.keep({ rows: all }, caller.principal, { lineage: caged.lineage, onRows: caller.keeping }, caller.signal);
      return await shown(rows, { ...(maxRows !== undefined && { maxRows }), ...(format && { format }) }, { keep });
    },
    stored: async () => (await app.results?.list(caller.principal)) ?? [],
    storedBytes: (input) => bytesOf(app, caller, input),
    async explain({ analyze = false, ...input }) {
      await using prepared = await app.prepare({ ...timed, ...input }, caller);
      const plan = hidesRows(prepared.narrowing) ? `-- ${withheldPlan}` : await prepared.explain(analyze);
      const narrowed = describeNarrowing(prepared.narrowing);
      return narrowed === undefined ? plan : `${plan.trimEnd()}\npolicy: ${narrowed}`;
    },
    export: ({ to = "", format, overwrite = false, ...input }) =>
      app.export(input, { to, within: app.config.export.folder, format, overwrite, meta: true }, caller),
    execute: (input) => app.execute({ ...timed, ...input }, caller, person),
    inspect: (input) => app.inspect(input, caller),
  };
}

/** @throws UNSUPPORTED where results are not kept */
export function storing({ results }: App): NonNullable<App["results"]> {
  if (results === undefined) throw noResults();
  return results;
}

function keepingOf(
  { results }: App,
  { principal, signal, span, keeping }: Caller,
  {
    prepared,
    rows,
    sql,
    asked,
    stale,
    maxMillis,
  }: {
    readonly prepared: Prepared;
    readonly rows: QueryStream;
    readonly sql: string;
    readonly asked: string | undefined;
    readonly stale: () => boolean;
    readonly maxMillis: number;
  },
): Keeping | undefined {
  if (results === undefined || prepared.statement.kind !== "read" || rows.columns.length === 0) return undefined;
  const lineage: Lineage = lineageOf(prepared, sql, span.traceId);
  const narrowed = () => rows.passed.cut !== false;
  return {
    keep: (all) => results.keep({ rows: all }, principal, { lineage, asked, stale, narrowed, maxMillis, onRows: keeping }, signal),
    always: asked !== undefined,
  };
}

/** Says which setting left rows out, where it was not the call's own wish. */
function told(
  result: InlineResult,
  { rows, prepared, wish: { maxRows } }: { readonly rows: QueryStream; readonly prepared: Prepared; readonly wish: InlineWish },
  { connections, config: { limits } }: App,
): InlineResult {
  const { cut } = rows.passed;
  if (cut !== false && (result.kept !== undefined || result.shown === rows.passed.rows))
    return { ...result, setting: settingThatCut(cut, prepared, connections.settings(prepared.connection).maxRows) };
  const byAll = result.cut === "rows" && result.shown === limits.maxRows && result.shown !== (maxRows ?? limits.inlineRows);
  return byAll ? { ...result, setting: "limits.maxRows" } : result;
}

type Show = (rows: QueryStream, wish: InlineWish) => Promise<InlineResult>;

async function pageOf(app: App, caller: Caller, cursor: string, wish: InlineWish, show: Show): Promise<InlineResult> {
  const results = storing(app);
  const [, name, skip = "0"] = /^(r\d+)(?::(\d{1,12}))?$/i.exec(cursor.trim()) ?? [];
  if (name === undefined)
    throw problem(
      "INPUT_INVALID",
      `Cannot read cursor "${cursor.slice(0, 100)}"`,
      'Pass it as the answer before gave it, for example "r1:100"',
    );
  const stored = await results.find(caller.principal, name);
  const skipped = Number(skip);
  if (skipped > stored.rows)
    throw problem("INPUT_INVALID", `Result "${stored.name}" has ${stored.rows} rows`, `Begin again with cursor "${stored.name}"`);
  const most = Math.min(wish.maxRows ?? app.config.limits.inlineRows, app.config.limits.maxRows);
  await using caged = await openCaged(results, { sql: `select * from ${stored.name} limit ${most} offset ${skipped}` }, caller);
  await using rows = await caged.rows();
  const { cut: _, ...result } = await show(rows, wish);
  const isLast = skipped + result.shown >= stored.rows;
  const { name: called, rows: total, truncated } = stored;
  return {
    ...result,
    total,
    skipped,
    kept: { name: called, rows: total, ...(truncated && { truncated }) },
    ...(!isLast && { cut: "rows" }),
  };
}

async function bytesOf(app: App, caller: Caller, { name, format, rows: range }: StoredBytesInput): Promise<Uint8Array> {
  const results = storing(app);
  const stored = await results.find(caller.principal, name);
  const [first, last] = range ?? [1, stored.rows];
  const sql = `select * from ${stored.name} limit ${Math.max(0, last - first + 1)} offset ${first - 1}`;
  const most = app.config.limits.frameBytes;
  const tempFolder = await mkdtemp(join(tmpdir(), "tidegate-result-"));
  try {
    await using caged = await openCaged(results, { sql, maxMillis: app.config.limits.timeoutMillis }, caller);
    await using rows = await caged.rows();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of formatNamed(format).encode(rows, { signal: caller.signal, tempFolder })) {
      bytes += chunk.length;
      if (bytes > most) throw tooLarge(stored, most);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    await rm(tempFolder, { recursive: true, force: true });
  }
}

function tooLarge({ name, rows }: StoredResult, most: number): Problem {
  return problem(
    "LIMIT_EXCEEDED",
    `Result "${name}" takes more than the ${most} bytes an answer may have`,
    `Ask for some of its ${rows} rows, for example ?rows=1-1000, or use export`,
  );
}

/** Reads each statement's whole result, all at the same time, and says what it is kept as; the first that fails stops the others. @throws LIMIT_EXCEEDED for one that is too large */
async function landed(app: App, caller: Caller, from: Readonly<Record<string, QueryInput>>): Promise<Readonly<Record<string, string>>> {
  const names = Object.keys(from);
  const odd = names.find((name) => !/^[a-z_]\w{0,62}$/i.test(name) || /^r\d+$/i.test(name));
  if (odd !== undefined)
    throw problem("INPUT_INVALID", `"${odd}" cannot name a result: r1, r2 and so on are stored ones`, 'Use a word, for example "orders"');
  const twice = names.find((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index);
  if (twice !== undefined)
    throw problem("INPUT_INVALID", `"${twice}" names two results: case makes no difference`, "Give each a name of its own");
  const stop = new AbortController();
  const signal = AbortSignal.any([caller.signal, stop.signal]);
  const facts: AuditFacts[] = names.map(() => ({}));
  const failures: unknown[] = [];
  const stored = await Promise.all(
    Object.values(from).map(async (input, index) => {
      const note = (more: AuditFacts) => void Object.assign(facts[index] ?? {}, more);
      try {
        return await app.land(input, { ...caller, signal, note });
      } catch (error) {
        failures.push(error);
        stop.abort();
      }
    }),
  );
  if (names.length > 0) caller.note?.(togetherOf(facts));
  if (failures.length > 0) throw failures[0];
  return Object.fromEntries(names.map((name, index) => [name, whole(stored[index] as StoredResult, name).name]));
}

function whole(stored: StoredResult, name: string): StoredResult {
  if (stored.truncated === undefined) return stored;
  throw problem(
    "LIMIT_EXCEEDED",
    `Only the first ${stored.rows} rows of "${name}" could be read (truncated: ${stored.truncated}), so that an answer would be wrong`,
    `Narrow its statement; what was read is kept as ${stored.name}`,
  );
}

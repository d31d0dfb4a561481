import type { Connections } from "../connection/connections.ts";
import type { Leases } from "../connection/lease.ts";
import type { RelationRestriction } from "../contract/analysis.ts";
import type { Connection, CsvStream, Driver, FileWriter, Params } from "../contract/driver.ts";
import type { Narrowing, Principal } from "../contract/policy.ts";
import type { Missing } from "../contract/problem.ts";
import type { RowStream } from "../contract/rows.ts";
import type { QueryInput } from "../contract/tool.ts";
import { notOpen } from "../policy/not-open.ts";
import type { Policy } from "../policy/policy.ts";
import { asProblem, Problem, problem } from "../problem.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { nearKeyword, place } from "../sql/locate.ts";
import { attribute } from "../telemetry/attributes.ts";
import type { Span } from "../telemetry/span.ts";
import { checked, withheld } from "./restricted.ts";
import { type Passed, shape } from "./shape.ts";

/** Rows per batch: large enough to amortise a hop between processes, small enough to stay in cache. */
const batchSize = 2048;

/** On whose behalf a query runs, and under which span. */
export interface Caller {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly span: Span;
}

export interface QueryStream extends RowStream {
  readonly passed: Passed;
}

/**
 * A statement that was analysed, judged and given a connection, but has not run. Exactly one of
 * `rows`, `copyOut` and `write` may be used; dispose it whatever happens.
 */
export interface Prepared extends AsyncDisposable {
  readonly connection: string;
  readonly narrowing: Narrowing;
  rows(maxRows?: number): Promise<QueryStream>;
  explain(analyze: boolean): Promise<string>;
  /** The engine's own CSV bytes; absent when the engine has no such way. */
  readonly copyOut?: () => Promise<CsvStream>;
  /** Copies a whole table by way of the connection itself, if it can; absent when anything but time narrows the statement. */
  readonly copyWith?: (
    copy: (connection: Connection, signal: AbortSignal) => Promise<CsvStream | undefined>,
  ) => Promise<CsvStream | undefined>;
  /** The engine's own writer for a format. */
  writer(format: string): ((path: string) => ReturnType<FileWriter>) | undefined;
}

export interface QueryRunner {
  /** Connects, analyses and judges; the time limit starts here. */
  prepare(input: QueryInput, caller: Caller): Promise<Prepared>;
}

export function createQueryRunner(deps: {
  readonly connections: Connections;
  readonly leases: Pick<Leases, "use">;
  readonly policy: Policy;
  /** A near-name hint for a table or column the engine did not find. */
  readonly suggest: (connection: string, missing: Missing, caller: Caller) => Promise<string | undefined>;
  /** Whether something of a connection may be there that somebody may not know of. */
  readonly hides?: (connection: string, principal: Principal) => boolean;
  /** Reads what judging will need, before a connection is taken. */
  readonly before?: (connection: string, signal: AbortSignal) => Promise<void>;
  /** Called after a write, so that what was remembered about the connection is read again. */
  readonly wrote: (connection: string) => void;
}): QueryRunner {
  const runner = {
    async prepare(input: QueryInput, caller: Caller, again = false): Promise<Prepared> {
      const held = input.lease === undefined ? undefined : deps.leases.use(input.lease, caller.principal);
      const name = held?.name ?? deps.connections.pick(input.connection);
      const access = held?.access ?? input.access ?? "read";
      caller.span.set({ [attribute.connection]: name, [attribute.fingerprint]: fingerprint(input.sql) });
      await deps.before?.(name, caller.signal).catch(async (error) => {
        await held?.release();
        throw error;
      });
      const connecting = caller.span.child("connect");
      const borrowed = held ?? deps.connections.borrow(name, access, caller.signal);
      const lease = await Promise.resolve(borrowed).catch((error) => {
        throw failed(connecting, asProblem(error));
      });
      connecting.end();
      caller.span.set({ [attribute.dbSystem]: lease.driver.name });
      const clock: Clock = { signal: caller.signal };
      let restricted: readonly RelationRestriction[] = [];
      const explained = async (error: unknown) => {
        const absent = error instanceof Problem ? undefined : lease.driver.diagnose(error);
        if (absent?.missing !== undefined && deps.hides?.(name, caller.principal))
          return new Problem(notOpen(absent.missingKind ?? "object", absent.missing));
        const reported = await explain(error, input.sql, lease.driver, clock, (missing) => deps.suggest(name, missing, caller));
        return withheld(reported, restricted);
      };
      const judging = caller.span.child("policy");
      startClock(clock, caller.signal, input.maxMillis);
      try {
        const narrowing = await judge(lease.connection, input, { ...caller, signal: clock.signal, connection: name, access }, deps.policy);
        judging.end();
        restricted = narrowing.restrictions ?? [];
        startClock(clock, caller.signal, input.maxMillis, narrowing.maxMillis);
        const release = async (broken: boolean) => {
          if (access === "write") deps.wrote(name);
          await lease.release(broken);
        };
        return prepared({
          name,
          driver: lease.driver.name,
          connection: lease.connection,
          input,
          narrowing,
          caller,
          clock,
          explained,
          release,
        });
      } catch (error) {
        const reported = failed(judging, await explained(error));
        await lease.release(isBroken(reported, clock.signal));
        // Nothing has run yet: a connection that died while it was idle is no reason to fail.
        if (lease.reused && !again && reported.code === "CONNECTION_FAILED") return runner.prepare(input, caller, true);
        throw reported;
      }
    },
  };
  return runner;
}

/** The same bytes, with the engine's errors told as problems. */
function watched(csv: CsvStream, explained: (error: unknown) => Promise<Problem>): CsvStream {
  return {
    columns: csv.columns,
    get rows() {
      return csv.rows;
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* csv;
      } catch (error) {
        throw await explained(error);
      }
    },
    [Symbol.asyncDispose]: () => csv[Symbol.asyncDispose](),
  };
}

/** The signal a statement runs under, and the limit that is part of it. */
interface Clock {
  signal: AbortSignal;
  millis?: number;
}

function startClock(clock: Clock, signal: AbortSignal, ...limits: (number | undefined)[]): void {
  const set = limits.filter((limit) => limit !== undefined);
  if (set.length === 0) return;
  clock.millis = Math.min(...set);
  clock.signal = AbortSignal.any([signal, AbortSignal.timeout(clock.millis)]);
}

async function judge(
  connection: Connection,
  { sql }: QueryInput,
  { principal, signal, connection: name, access }: Caller & { readonly connection: string; readonly access: "read" | "write" },
  policy: Policy,
): Promise<Narrowing> {
  const [statement, ...others] = await connection.analyze(sql, signal);
  if (statement === undefined)
    throw problem("SQL_INVALID", "The text holds no statement", "Write one SQL statement, for example: select 1");
  if (others.length > 0)
    throw problem(
      "SQL_INVALID",
      `The text holds ${others.length + 1} statements: one is allowed per call`,
      "Send each statement in a call of its own",
    );
  const narrowing = await policy.judge({ principal, connection: name, statement, access });
  if (narrowing.restrictions === undefined || connection.render !== undefined) return narrowing;
  throw problem(
    "UNSUPPORTED",
    `The driver of "${name}" cannot mask columns or filter rows, and your roles want it to`,
    "Use another driver, or have the tables granted as they are",
  );
}

/** Narrowings that leave a result as it is. */
const wholly: ReadonlySet<string> = new Set<keyof Narrowing>(["readOnly", "maxMillis", "rules"]);

function prepared(run: {
  readonly name: string;
  readonly driver: string;
  readonly connection: Connection;
  readonly input: QueryInput;
  readonly narrowing: Narrowing;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly explained: (error: unknown) => Promise<Problem>;
  readonly release: (broken: boolean) => Promise<void>;
}): Prepared {
  const { connection, input, narrowing, caller, clock, explained, release } = run;
  const params: Params = input.params ?? [];
  const restrictions = narrowing.restrictions && { restrictions: narrowing.restrictions };
  const options = { signal: clock.signal, batchSize, ...restrictions };
  const copyOut = connection.copyOut?.bind(connection);

  const guarded = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const span = caller.span.child(name, { [attribute.dbSystem]: run.driver });
    try {
      const result = await work();
      span.end();
      return result;
    } catch (error) {
      const reported = failed(span, await explained(error));
      await release(isBroken(reported, clock.signal));
      throw reported;
    }
  };

  return {
    connection: run.name,
    narrowing,
    async rows(maxRows = Number.POSITIVE_INFINITY) {
      const rows = await guarded("execute", async () => checked(await connection.query(input.sql, params, options), narrowing));
      const shaping = caller.span.child("shape");
      return shape(rows, Math.min(maxRows, narrowing.maxRows ?? Number.POSITIVE_INFINITY), async (passed, error) => {
        const reported = error === undefined ? undefined : await explained(error);
        caller.span.set({
          [attribute.dbReturnedRows]: passed.rows,
          [attribute.truncated]: passed.cut,
          [attribute.affectedRows]: rows.affectedRows,
        });
        shaping.end(reported && { error: reported });
        await release(reported !== undefined && isBroken(reported, clock.signal));
        return reported;
      });
    },
    explain: (analyze) => guarded("execute", () => connection.explain(input.sql, params, { ...options, analyze })),
    ...(copyOut !== undefined &&
      narrowing.maxRows === undefined && {
        copyOut: async () =>
          watched(await guarded("execute", async () => checked(await copyOut(input.sql, params, options), narrowing)), explained),
      }),
    ...(Object.keys(narrowing).every((name) => wholly.has(name)) && {
      async copyWith(copy) {
        const csv = await guarded("execute", () => copy(connection, clock.signal));
        return csv && watched(csv, explained);
      },
    }),
    writer(format) {
      const write = narrowing.maxRows === undefined ? connection.fileWriters?.[format] : undefined;
      if (write === undefined) return undefined;
      return (path) => guarded("execute", () => write(input.sql, params, path, { signal: clock.signal, ...restrictions }));
    },
    [Symbol.asyncDispose]: () => release(clock.signal.aborted),
  };
}

/** Turns whatever was thrown into a Problem: a limit or a cancel by its signal, an engine's error by its driver. */
async function explain(
  error: unknown,
  sql: string,
  driver: Driver,
  clock: Clock,
  suggest: (missing: Missing) => Promise<string | undefined>,
): Promise<Problem> {
  if (error instanceof Problem) return error;
  if (clock.signal.aborted) return stopped(clock);
  const diagnosis = driver.diagnose(error);
  if (diagnosis === undefined) return asProblem(error);
  const { missing, missingKind, position } = diagnosis;
  // A hint is a courtesy: when the catalog cannot be read the problem still stands.
  const near = missing === undefined ? undefined : await suggest({ missing, ...(missingKind && { missingKind }) }).catch(() => undefined);
  const hint = near ?? diagnosis.hint ?? (position === undefined ? undefined : nearKeyword(sql, position));
  const message = position === undefined ? diagnosis.message : `${diagnosis.message} (${place(sql, position)})`;
  return new Problem({ ...diagnosis, message, ...(hint !== undefined && { hint }) }, error);
}

function stopped({ signal, millis }: Clock): Problem {
  const reported = asProblem(signal.reason);
  if (reported.code !== "TIMEOUT" || millis === undefined)
    return reported.code === "INTERNAL" ? problem("CANCELLED", "The call was cancelled") : reported;
  return problem(
    "TIMEOUT",
    `The statement ran longer than its limit of ${millis} ms and was stopped`,
    "Narrow the query, or have its time limit raised: limits.timeout, or --timeout",
  );
}

function isBroken({ code }: Problem, signal: AbortSignal): boolean {
  return signal.aborted || code === "CONNECTION_FAILED" || code === "INTERNAL";
}

function failed(span: Span, error: Problem): Problem {
  span.end({ error });
  return error;
}

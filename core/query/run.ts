import type { Connections } from "../connection/connections.ts";
import type { Connection, CsvStream, Driver, FileWriter, Params } from "../contract/driver.ts";
import type { Narrowing, Principal } from "../contract/policy.ts";
import type { Missing } from "../contract/problem.ts";
import type { RowStream } from "../contract/rows.ts";
import type { QueryInput } from "../contract/tool.ts";
import type { Policy } from "../policy/policy.ts";
import { asProblem, Problem, problem } from "../problem.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { nearKeyword, place } from "../sql/locate.ts";
import { attribute } from "../telemetry/attributes.ts";
import type { Span } from "../telemetry/span.ts";
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
  /** The engine's own writer for a format. */
  writer(format: string): ((path: string) => ReturnType<FileWriter>) | undefined;
}

export interface QueryRunner {
  /** Connects, analyses and judges; the time limit starts here. */
  prepare(input: QueryInput, caller: Caller): Promise<Prepared>;
}

export function createQueryRunner(deps: {
  readonly connections: Connections;
  readonly policy: Policy;
  /** A near-name hint for a table or column the engine did not find. */
  readonly suggest: (connection: string, missing: Missing, signal: AbortSignal) => Promise<string | undefined>;
  /** Called after a write, so that what was remembered about the connection is read again. */
  readonly wrote: (connection: string) => void;
}): QueryRunner {
  return {
    async prepare(input, caller) {
      const name = deps.connections.pick(input.connection);
      const access = input.access ?? "read";
      caller.span.set({ [attribute.connection]: name, [attribute.fingerprint]: fingerprint(input.sql) });
      const connecting = caller.span.child("connect");
      const lease = await deps.connections.borrow(name, access, caller.signal).catch((error) => {
        throw failed(connecting, asProblem(error));
      });
      connecting.end();
      caller.span.set({ [attribute.dbSystem]: lease.driver.name });
      const clock: Clock = { signal: caller.signal };
      const explained = (error: unknown) =>
        explain(error, input.sql, lease.driver, clock, (missing) => deps.suggest(name, missing, caller.signal));
      const judging = caller.span.child("policy");
      try {
        const narrowing = await judge(lease.connection, input, { ...caller, connection: name, access }, deps.policy);
        judging.end();
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
        await lease.release(isBroken(reported, caller.signal));
        throw reported;
      }
    },
  };
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
  { principal, connection: name, access }: Caller & { readonly connection: string; readonly access: "read" | "write" },
  policy: Policy,
): Promise<Narrowing> {
  const [statement, ...others] = await connection.analyze(sql);
  if (statement === undefined)
    throw problem("SQL_INVALID", "The text holds no statement", "Write one SQL statement, for example: select 1");
  if (others.length > 0)
    throw problem(
      "SQL_INVALID",
      `The text holds ${others.length + 1} statements: one is allowed per call`,
      "Send each statement in a call of its own",
    );
  return policy.judge({ principal, connection: name, statement, access });
}

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
  const options = { signal: clock.signal, batchSize };
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
      const rows = await guarded("execute", () => connection.query(input.sql, params, options));
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
        copyOut: async () => watched(await guarded("execute", () => copyOut(input.sql, params, options)), explained),
      }),
    writer(format) {
      const write = narrowing.maxRows === undefined ? connection.fileWriters?.[format] : undefined;
      if (write === undefined) return undefined;
      return (path) => guarded("execute", () => write(input.sql, params, path, { signal: clock.signal }));
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

import type { AuditFacts } from "../audit/call.ts";
import type { Connections } from "../connection/connections.ts";
import type { Leases } from "../connection/lease.ts";
import type { RelationRestriction } from "../contract/analysis.ts";
import type { Connection, CopyOptions, CsvStream, Driver, FileWriter, Params, QueryOptions, Statement } from "../contract/driver.ts";
import type { Narrowing, Principal } from "../contract/policy.ts";
import type { Missing } from "../contract/problem.ts";
import type { RowStream } from "../contract/rows.ts";
import type { QueryInput } from "../contract/tool.ts";
import type { Policy } from "../policy/policy.ts";
import type { Concealed } from "../policy/roles/conceal.ts";
import { asProblem, Problem, problem } from "../problem.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { attribute } from "../telemetry/attributes.ts";
import type { Span } from "../telemetry/span.ts";
import { runBounded } from "./bounded.ts";
import type { Write } from "./change.ts";
import { affordable } from "./cost.ts";
import { factsOf, narrowed } from "./facts.ts";
import { type Clock, explain, failed, isBroken, startClock } from "./failure.ts";
import { onlyStatement } from "./only.ts";
import { checked, refusePlan, withheld } from "./restricted.ts";
import { type Passed, shape } from "./shape.ts";

/** Rows per batch: large enough to amortise a hop between processes, small enough to stay in cache. */
const batchSize = 2048;

/** On whose behalf a query runs, and under which span. */
export interface Caller {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly span: Span;
  /** Told how many rows have been kept so far. */
  readonly keeping?: (rows: number) => void;
  /** Takes up what the audit keeps of the call. */
  readonly note?: (facts: AuditFacts) => void;
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
  readonly statement: Statement;
  readonly narrowing: Narrowing;
  rows(maxRows?: number): Promise<QueryStream>;
  /** Runs a write in the way `work` has. */
  change<Result>(work: (write: Write) => Promise<Result>): Promise<Result>;
  explain(analyze: boolean): Promise<string>;
  /** The text the engine would get; runs nothing. */
  rendered(): Promise<string>;
  /** What the engine estimates it to cost; absent when it cannot say. */
  cost?(): Promise<number>;
  /** The engine's own CSV bytes; absent when the engine has no such way. */
  readonly copyOut?: (how?: Pick<CopyOptions, "spelling">) => Promise<CsvStream>;
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
  /** What is told of names somebody cannot see; `undefined` to somebody from whom nothing of the connection is hidden. */
  readonly conceal?: (connection: string, sql: string, caller: Caller) => Promise<Concealed | undefined>;
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
      caller.note?.({ connection: name, access, fingerprint: fingerprint(input.sql), sql: input.sql });
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
        const found = error instanceof Problem ? undefined : lease.driver.diagnose(error);
        const isHidden = error instanceof Problem && error.code === "NOT_FOUND" && error.rule !== undefined;
        if (isHidden || found?.missing !== undefined || found?.code === "SQL_INVALID") {
          const concealed = await deps.conceal?.(name, input.sql, caller);
          if (concealed !== undefined && (isHidden || found?.missing !== undefined || concealed.namesOther))
            return new Problem({ ...concealed.told, ...(isHidden && { rule: error.rule }) });
        }
        if (error instanceof Problem) return error;
        const reported = await explain(error, input.sql, lease.driver, clock, (missing) => deps.suggest(name, missing, caller));
        return withheld(reported, restricted);
      };
      const judging = caller.span.child("policy");
      startClock(clock, caller.signal, input.maxMillis);
      try {
        const judged = { ...caller, signal: clock.signal, connection: name, access };
        const { narrowing, statement } = await judge(lease, input, judged, deps.policy);
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
          statement,
          within: held !== undefined,
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

async function judge(
  { connection, driver }: { readonly connection: Connection; readonly driver: Driver },
  { sql }: QueryInput,
  { principal, signal, span, note, connection: name, access }: Caller & { readonly connection: string; readonly access: "read" | "write" },
  policy: Policy,
): Promise<{ readonly narrowing: Narrowing; readonly statement: Statement }> {
  const statement = onlyStatement(await connection.analyze(sql, signal), "Write one SQL statement, for example: select 1");
  note?.(factsOf(statement));
  // The fingerprint that patterns of a policy are compared with.
  span.set({ [attribute.fingerprint]: statement.analysis?.fingerprint });
  const narrowing = await policy.judge({ principal, connection: name, statement, access });
  note?.(narrowed(narrowing));
  refusePlan(sql, narrowing, driver.facts);
  if (narrowing.restrictions === undefined || connection.render !== undefined) return { narrowing, statement };
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
  readonly statement: Statement;
  /** Whether a transaction of the caller is around it. */
  readonly within: boolean;
  readonly narrowing: Narrowing;
  readonly caller: Caller;
  readonly clock: Clock;
  readonly explained: (error: unknown) => Promise<Problem>;
  readonly release: (broken: boolean) => Promise<void>;
}): Prepared {
  const { connection, input, narrowing, caller, clock, explained, release } = run;
  const params: Params = input.params ?? [];
  const restrictions = narrowing.restrictions && { restrictions: narrowing.restrictions };
  const options: QueryOptions = { signal: clock.signal, batchSize, ...restrictions };
  const { maxRows: rowsAtMost = Infinity, maxBytes = Infinity, maxAffectedRows } = narrowing;
  const bounded = maxAffectedRows !== undefined && run.statement.kind !== "read";
  const cut = rowsAtMost < Infinity || maxBytes < Infinity;
  const estimate = connection.cost?.bind(connection);
  const copyOut = connection.copyOut?.bind(connection);

  const guarded = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const span = caller.span.child(name, { [attribute.dbSystem]: run.driver });
    try {
      const result = await work();
      span.end();
      return result;
    } catch (error) {
      const reported = failed(span, await explained(error));
      // What a bounded write did before it failed is still in the transaction around it.
      await release(isBroken(reported, clock.signal) || (bounded && run.within));
      throw reported;
    }
  };
  const affordably = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await affordable(connection, narrowing, input.sql, params, options);
    return work();
  };
  const execute = (): Promise<RowStream> =>
    bounded ? runBounded({ ...run, sql: input.sql, params, options, maxAffectedRows }) : connection.query(input.sql, params, options);

  return {
    connection: run.name,
    statement: run.statement,
    narrowing,
    async rows(maxRows = Infinity) {
      const rows = await guarded("execute", async () => checked(await affordably(execute), narrowing));
      const shaping = caller.span.child("shape");
      return shape(rows, { rows: Math.min(maxRows, rowsAtMost), bytes: maxBytes }, async (passed, error) => {
        const reported = error === undefined ? undefined : await explained(error);
        caller.span.set({
          [attribute.dbReturnedRows]: passed.rows,
          [attribute.truncated]: passed.cut !== false,
          [attribute.affectedRows]: rows.affectedRows,
        });
        caller.note?.({ rows: passed.rows, ...(rows.affectedRows !== undefined && { affectedRows: rows.affectedRows }) });
        shaping.end(reported && { error: reported });
        await release(reported !== undefined && isBroken(reported, clock.signal));
        return reported;
      });
    },
    async change(work) {
      const done = await guarded("execute", () => affordably(() => work({ ...run, sql: input.sql, params, options })));
      await release(false);
      return done;
    },
    explain(analyze) {
      const plan = () => connection.explain(input.sql, params, { ...options, analyze });
      return guarded("execute", () => (analyze ? affordably(plan) : plan()));
    },
    rendered: () => guarded("render", async () => connection.render?.(input.sql, narrowing.restrictions ?? [], clock.signal) ?? input.sql),
    ...(estimate !== undefined && { cost: () => guarded("cost", () => estimate(input.sql, params, options)) }),
    ...(copyOut !== undefined &&
      !cut && {
        async copyOut(how) {
          const copied = () => copyOut(input.sql, params, { ...options, ...how });
          return watched(await guarded("execute", async () => checked(await affordably(copied), narrowing)), explained);
        },
      }),
    ...(Object.keys(narrowing).every((name) => wholly.has(name)) && {
      async copyWith(copy) {
        const csv = await guarded("execute", () => copy(connection, clock.signal));
        return csv && watched(csv, explained);
      },
    }),
    writer(format) {
      const write = cut ? undefined : connection.fileWriters?.[format];
      if (write === undefined) return undefined;
      const written = (path: string) => write(input.sql, params, path, { signal: clock.signal, ...restrictions });
      return (path) => guarded("execute", () => affordably(() => written(path)));
    },
    [Symbol.asyncDispose]: () => release(clock.signal.aborted),
  };
}

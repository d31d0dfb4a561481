import type { Params, Statement } from "../contract/driver.ts";
import type { Lineage } from "../contract/results.ts";
import { asProblem, problem } from "../problem.ts";
import type { Cage, Results } from "../results/results.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { attribute } from "../telemetry/attributes.ts";
import { type Clock, explain, failed, startClock } from "./failure.ts";
import { onlyStatement } from "./only.ts";
import type { Caller, QueryStream } from "./run.ts";
import { shape } from "./shape.ts";

/** One statement over stored results. */
export interface CagedInput {
  readonly sql: string;
  readonly params?: Params;
  readonly maxMillis?: number | undefined;
  /** Names the statement gives to results besides their own. */
  readonly besides?: Readonly<Record<string, string>>;
}

/** A statement over stored results that may run. Exactly one of `rows` and `writer` may be used; dispose it whatever happens. */
export interface Caged extends AsyncDisposable {
  readonly lineage: Lineage;
  rows(maxRows?: number): Promise<QueryStream>;
  /** The engine's own writer for a format. */
  writer(format: string): ((path: string) => Promise<{ readonly rows: number }>) | undefined;
}

/** Rows per batch, as for any connection. */
const batchSize = 2048;

/**
 * Opens the caller's results that a statement names, and nothing else, to run it over them.
 * @throws NOT_FOUND, RESULT_EXPIRED, SQL_INVALID, FORBIDDEN for anything but one statement that reads
 */
export async function openCaged(results: Results, input: CagedInput, caller: Caller): Promise<Caged> {
  const { sql, params = [], besides = {} } = input;
  const { principal, span } = caller;
  span.set({ [attribute.connection]: "results", [attribute.fingerprint]: fingerprint(sql) });
  caller.note?.({ connection: "results", access: "read", fingerprint: fingerprint(sql), sql });
  const clock: Clock = { signal: caller.signal };
  startClock(clock, caller.signal, input.maxMillis);
  const named = await namedIn(results, sql, caller);
  const connecting = span.child("connect");
  const cage = await results.open(principal, named, clock.signal, besides).catch((error) => {
    throw failed(connecting, error);
  });
  connecting.end();
  const explained = async (error: unknown) => {
    const { missing } = cage.driver.diagnose(error) ?? {};
    // Of a result that is gone, how to get it back is more help than a name like it.
    if (missing !== undefined && /^r\d+$/i.test(missing)) {
      const why = await results.find(principal, missing).then(() => undefined, asProblem);
      if (why !== undefined) return why;
    }
    return explain(error, sql, cage.driver, clock, () => names(results, cage, caller));
  };
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const executing = span.child("execute");
    try {
      const result = await work();
      executing.end();
      return result;
    } catch (error) {
      const reported = await explained(error);
      executing.end({ error: reported });
      throw reported;
    }
  };
  let released: Promise<void> | undefined;
  let abandoned = false;
  const release = async () => {
    released ??= cage.release();
    // What its caller no longer waits for ends by itself, and frees its cage then.
    if (abandoned) released.catch(() => undefined);
    else await released;
  };
  /** The engine hears no interrupt while it prepares a statement: the caller then goes without it. */
  const awaited = <Result>(work: Promise<Result>): Promise<Result> =>
    givenUp(work, clock.signal, () => {
      abandoned = true;
    });
  try {
    onlyRead(await awaited(cage.connection.analyze(sql, clock.signal)));
  } catch (error) {
    await release();
    throw await explained(error);
  }
  return {
    lineage: { connection: "results", fingerprint: fingerprint(sql), sql, ...cage.made, traceId: span.traceId },
    async rows(maxRows = Number.POSITIVE_INFINITY) {
      const rows = await guarded(() => awaited(cage.connection.query(sql, params, { signal: clock.signal, batchSize })));
      return shape(rows, { rows: maxRows, bytes: Number.POSITIVE_INFINITY }, async (passed, error) => {
        const reported = error === undefined ? undefined : await explained(error);
        span.set({ [attribute.dbReturnedRows]: passed.rows });
        caller.note?.({ rows: passed.rows });
        await release();
        return reported;
      });
    },
    writer(format) {
      const write = cage.connection.fileWriters?.[format];
      return write && ((path) => guarded(() => write(sql, params, path, { signal: clock.signal })));
    },
    [Symbol.asyncDispose]: release,
  };
}

const graceMillis = 1000;

/** Waits for the work, but no longer than a moment after the signal says to stop; tells when it goes without. */
async function givenUp<Result>(work: Promise<Result>, signal: AbortSignal, goesWithout: () => void): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const abort = () => {
    timer = setTimeout(() => {
      goesWithout();
      reject(signal.reason);
    }, graceMillis);
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** Every result a statement may mean; one it does not mean does no harm. */
async function namedIn(results: Results, sql: string, { principal }: Caller): Promise<readonly string[]> {
  const words = new Set(sql.toLowerCase().match(/\br\d+\b/g) ?? []);
  if (words.size === 0) return [];
  return (await results.list(principal)).map(({ name }) => name).filter((name) => words.has(name));
}

const ofMachine = /^(duckdb_databases|duckdb_extensions|pragma_database)/;

function onlyRead(statements: readonly Statement[]): void {
  const statement = onlyStatement(statements, "Write one, for example: select count(*) from r1");
  if (statement.kind === "unknown")
    throw problem(
      "SQL_INVALID",
      "This is not understood as one statement that reads",
      "Select from the results, for example: select count(*) from r1",
    );
  const telling = statement.analysis?.relations.find(
    ({ kind, tells, name }) => kind === "catalog" && (tells !== "structure" || ofMachine.test(name)),
  );
  if (telling !== undefined)
    throw problem(
      "POLICY_DENIED",
      `"${telling.name}" tells of the machine and not of results`,
      "Use describe, or information_schema.columns",
    );
  if (statement.kind !== "read")
    throw problem(
      "POLICY_DENIED",
      "Stored results can only be read",
      "Select from them; what a statement returns is kept as a result of its own",
    );
}

async function names(results: Results, cage: Cage, { principal }: Caller): Promise<string> {
  const known = new Set([...cage.names, ...(await results.list(principal)).map(({ name }) => name)]);
  return known.size === 0 ? "There are no stored results: run a query first" : `There are: ${[...known].slice(-20).join(", ")}`;
}

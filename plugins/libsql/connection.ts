import type { Connection, HeldFile, Params, QueryOptions } from "../../core/contract/driver.ts";
import { readCatalog } from "./catalog.ts";
import { createCsvStream } from "./csv.ts";
import { type Engine, noArgs, type Scope, type Session } from "./engine.ts";
import { explainPlan } from "./explain.ts";
import { createGuard } from "./guard/guard.ts";
import { proveReadOnly } from "./prove.ts";
import { refusal } from "./refusal.ts";
import { allRows, createRowStream } from "./rows.ts";
import { start, type Workplace } from "./run.ts";
import { kindsOf } from "./sql/examine.ts";
import { createTransaction } from "./transaction.ts";

const never = new AbortController().signal;

export function createConnection(engine: Engine, file: HeldFile | undefined): Connection {
  const guard = createGuard();
  let scope: Scope | undefined;
  const session = (): Session => scope ?? engine;
  /** While a transaction lives, nothing else runs. */
  const alone = (signal: AbortSignal): Workplace => {
    signal.throwIfAborted();
    if (scope === undefined) return { engine, session: engine, readOnly: engine.readOnly };
    const hint = "Commit it or roll it back first";
    throw refusal({ code: "CONFLICT", message: "A transaction is open on this connection", hint });
  };
  const started = async (place: Workplace, sql: string, params: Params, { signal, restrictions = [] }: QueryOptions) =>
    start(place, await guard.restrict(place.session, sql, restrictions, signal), params, signal);
  const query = async (sql: string, params: Params, options: QueryOptions) =>
    createRowStream(await started(alone(options.signal), sql, params, options), options);
  return {
    query,
    ...(file && { file }),
    copyOut: async (sql, params, options) => createCsvStream(await started(alone(options.signal), sql, params, options), options),
    analyze: async (sql, signal = never) => guard.analyze(session(), sql, await kindsOf(session(), sql, signal), signal),
    render: (sql, restrictions, signal) => guard.restrict(session(), sql, restrictions, signal),
    async explain(sql, params, { signal, analyze, restrictions = [] }) {
      const place = alone(signal);
      if (analyze) throw refusal({ code: "UNSUPPORTED", message: "The engine cannot measure a plan", hint: "Explain without analyze" });
      return explainPlan(place, await guard.restrict(place.session, sql, restrictions, signal), params, signal);
    },
    catalog: {
      async read(request) {
        alone(request.signal);
        return readCatalog(engine, request);
      },
    },
    async ping(signal) {
      signal.throwIfAborted();
      await allRows(await session().read("select 1", noArgs, { signal }));
    },
    get ended() {
      return engine.ended;
    },
    async proveReadOnly(signal) {
      alone(signal);
      return proveReadOnly(engine, query, signal);
    },
    async begin({ readOnly, signal }) {
      const place = alone(signal);
      if (engine.readOnly && !readOnly)
        throw refusal({ code: "POLICY_DENIED", message: "Cannot write: the connection is read-only", hint: "Open it for writing" });
      const begun = await engine.begin({ readOnly, signal });
      scope = begun;
      return createTransaction(
        { ...place, session: begun, readOnly },
        {
          scope: begun,
          started,
          over() {
            scope = undefined;
            guard.forget();
          },
        },
      );
    },
    async reset(signal) {
      await scope?.rollback();
      scope = undefined;
      guard.forget();
      await engine.reset(signal);
    },
    [Symbol.asyncDispose]() {
      guard.forget();
      return engine.close();
    },
  };
}

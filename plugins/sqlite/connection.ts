import type { Connection, HeldFile, Params, QueryOptions } from "../../core/contract/driver.ts";
import type { RowStream } from "../../core/contract/rows.ts";
import { readCatalog } from "./catalog.ts";
import { columnsOf } from "./column-type.ts";
import { createCsvStream } from "./csv.ts";
import { diagnoseWrite } from "./diagnose.ts";
import { explainPlan } from "./explain.ts";
import { removeEmptyLog } from "./file.ts";
import { createGuard } from "./guard/guard.ts";
import { type Bound, bindable } from "./parameters.ts";
import { proveReadOnly } from "./prove.ts";
import { refusal } from "./refusal.ts";
import { createRowStream, type RowSource } from "./rows.ts";
import type { Prepared, Session } from "./session.ts";
import { type Cell, finishedSteps, startSteps } from "./steps.ts";
import { createTextProof, proveTexts, type TextProof } from "./text-proof.ts";
import { beginTransaction } from "./transaction.ts";

export function createConnection(session: Session, file: HeldFile | undefined): Connection {
  const { database, readOnly } = session;
  const guard = createGuard(session);
  let held = false;
  const free = (): void => {
    if (held) throw refusal({ code: "CONFLICT", message: "The connection is in a transaction", hint: "Commit it or roll it back first" });
  };
  const query = async (sql: string, params: Params, options: QueryOptions): Promise<RowStream> => {
    options.signal.throwIfAborted();
    const text = guard.restrict(options.restrictions ?? [], sql);
    return createRowStream(start(session, text, params), options);
  };
  return {
    query: async (sql, params, options) => {
      free();
      return query(sql, params, options);
    },
    async begin(options) {
      free();
      const transaction = beginTransaction(session, { ...options, readOnly: options.readOnly || readOnly }, query, () => {
        held = false;
      });
      held = true;
      return transaction;
    },
    ...(file && { file }),
    copyOut: async (sql, params, options) => {
      free();
      options.signal.throwIfAborted();
      const text = guard.restrict(options.restrictions ?? [], sql);
      return createCsvStream(start(session, text, params), options);
    },
    analyze: async (sql) => guard.analyze(sql),
    render: async (sql, restrictions) => guard.render(sql, restrictions),
    async explain(sql, params, { signal, analyze, restrictions = [] }) {
      signal.throwIfAborted();
      const text = guard.restrict(restrictions, sql);
      if (analyze) throw refusal({ code: "UNSUPPORTED", message: "SQLite cannot measure a plan", hint: "Explain without analyze" });
      return explainPlan(session, text, params);
    },
    catalog: { read: async (request) => readCatalog(session, request) },
    async ping(signal) {
      signal.throwIfAborted();
      database.prepare("select 1").get();
    },
    proveReadOnly: (signal) => proveReadOnly(session, query, signal),
    async [Symbol.asyncDispose]() {
      if (!database.isOpen) return;
      database.close();
      if (readOnly && file) removeEmptyLog(file);
    },
  };
}

/** Runs a statement that gives no rows, or writes, to its end; starts one that reads. */
function start(session: Session, sql: string, params: Params): RowSource {
  const prepared = session.prepare(sql);
  const bound = bindable(prepared.statement, sql, params);
  const columns = columnsOf(prepared.statement);
  const proof = createTextProof(session, prepared.statement.sourceSQL, params, columns);
  if (prepared.kind === "read") return { columns, proof, steps: startSteps(session, prepared.statement, bound) };
  try {
    return { columns, proof, ...finish(session, prepared, bound, proof) };
  } catch (error) {
    const diagnosis = session.readOnly || !changesFile(prepared) ? undefined : diagnoseWrite(error);
    throw diagnosis === undefined ? error : refusal(diagnosis, error);
  }
}

function changesFile({ kind }: Prepared): boolean {
  return kind === "write" || kind === "schema";
}

function finish(
  session: Session,
  { statement, kind }: Prepared,
  bound: Bound,
  proof: TextProof,
): Pick<RowSource, "steps" | "affectedRows"> {
  const { database, trusted } = session;
  const run = () => statement.all(...(bound as readonly never[])) as unknown as Cell[][];
  if (kind !== "write") return { steps: finishedSteps(run()) };
  const counter = (name: string) => (trusted(() => database.prepare(`select ${name}()`).get()) as unknown as [bigint])[0];
  const before = counter("total_changes");
  const rows = wholly(session, () => {
    const returned = run();
    proveTexts(returned, proof);
    return returned;
  });
  return { steps: finishedSteps(rows), affectedRows: counter("total_changes") === before ? 0 : Number(counter("changes")) };
}

/** What a write returns is checked before the write is kept: a failed call has written nothing. */
function wholly<Result>({ database, trusted }: Session, work: () => Result): Result {
  trusted(() => database.exec("savepoint tidegate"));
  try {
    const result = work();
    trusted(() => database.exec("release tidegate"));
    return result;
  } catch (error) {
    // A trigger or a full disk may have rolled everything back already.
    if (database.isTransaction) trusted(() => database.exec("rollback to tidegate; release tidegate"));
    throw error;
  }
}

import { type DuckDBMaterializedResult, type DuckDBPreparedStatement, ResultReturnType, StatementType } from "@duckdb/node-api";
import type { Params, QueryOptions } from "../../core/contract/driver.ts";
import { located, readOnlyDiagnosis } from "./errors/diagnose.ts";
import { refusal } from "./errors/refusal.ts";
import { interruptible, type Session } from "./session.ts";
import { bindParams } from "./sql/params.ts";
import type { Classified } from "./sql/statement.ts";
import { noRows, type Rows, streamRows } from "./stream.ts";

/** Runs a statement that was let through as a read; the engine is asked again whether it is one. */
export async function readRows(session: Session, { sql }: Classified, params: Params, options: QueryOptions): Promise<Rows> {
  const prepared = await prepareRead(session, sql, options.signal);
  try {
    bindParams(prepared, params);
    const result = await interruptible(session.native, options.signal, prepared.stream());
    const failure = () => whyItFailed(session, sql, params, options.signal);
    return streamRows(result, { session, failure, ...options });
  } finally {
    prepared.destroySync();
  }
}

/** Runs any statement to its end. A write happens whether or not somebody reads what it returns. */
export async function runToEnd(session: Session, { sql }: Classified, params: Params, options: QueryOptions): Promise<Rows> {
  const prepared = await prepareLast(session, sql, options.signal);
  try {
    bindParams(prepared, params);
    const result = await interruptible(session.native, options.signal, prepared.run());
    const affectedRows = affected(result);
    if (result.returnType === ResultReturnType.QUERY_RESULT) {
      const failure = async () => new Error("A result that is complete cannot fail");
      return { ...streamRows(result, { session, failure, ...options }), ...(affectedRows !== undefined && { affectedRows }) };
    }
    await session.end();
    return noRows(affectedRows);
  } finally {
    prepared.destroySync();
  }
}

const returning: readonly StatementType[] = [StatementType.INSERT, StatementType.UPDATE, StatementType.DELETE, StatementType.MERGE_INTO];

/** The engine counts changed rows only where the statement returns none. */
function affected(result: DuckDBMaterializedResult): number | undefined {
  if (result.returnType === ResultReturnType.CHANGED_ROWS) return result.rowsChanged;
  return returning.includes(result.statementType) ? result.rowCount : undefined;
}

async function prepareRead(session: Session, sql: string, signal: AbortSignal): Promise<DuckDBPreparedStatement> {
  const prepared = await prepareLast(session, sql, signal);
  const { statementType } = prepared;
  if (statementType === StatementType.SELECT || statementType === StatementType.EXPLAIN) return prepared;
  prepared.destroySync();
  throw refusal(readOnlyDiagnosis(StatementType[statementType]));
}

/**
 * Of a PIVOT the engine makes several statements: one creates a temporary type, the next names it, and EXPLAIN or
 * COPY of one is framed by a transaction, or inside ours by a setting of it; neither is needed here.
 */
export async function prepareLast({ native }: Session, sql: string, signal: AbortSignal): Promise<DuckDBPreparedStatement> {
  const extracted = await native.extractStatements(sql);
  const prepare = (index: number) => interruptible(native, signal, extracted.prepare(index));
  const first = await prepare(0);
  const framed = extracted.count > 2 && (first.statementType === StatementType.TRANSACTION || first.statementType === StatementType.SET);
  const end = framed ? extracted.count - 2 : extracted.count - 1;
  let last = framed ? await prepare(1) : first;
  for (let index = framed ? 2 : 1; index <= end; index++) {
    await interruptible(native, signal, last.run());
    last = await prepare(index);
  }
  return last;
}

/** A second run, of which only the error is kept: the engine reports it when it measures a plan. */
async function whyItFailed(session: Session, sql: string, params: Params, signal: AbortSignal): Promise<unknown> {
  const prefix = "EXPLAIN ANALYZE ";
  await session.readOnly();
  const prepared = await prepareLast(session, prefix + sql, signal);
  try {
    bindParams(prepared, params);
    await interruptible(session.native, signal, prepared.run());
  } catch (error) {
    return located(error, prefix + sql, prefix.length);
  } finally {
    prepared.destroySync();
  }
  return refusal({
    code: "CONNECTION_FAILED",
    message: "DuckDB stopped in the middle of the rows without saying why",
    hint: "Run the statement again",
    retryable: true,
  });
}

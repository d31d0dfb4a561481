import { existsSync } from "node:fs";
import type { CatalogRequest } from "../../core/contract/catalog.ts";
import type { Connection, ExplainOptions, Params, QueryOptions } from "../../core/contract/driver.ts";
import type { RowStream, Value } from "../../core/contract/rows.ts";
import { catalogObject, catalogSql } from "./catalog.ts";
import type { Member } from "./engine/database.ts";
import { located, shifted } from "./errors/diagnose.ts";
import { missing } from "./errors/file-errors.ts";
import { carried, refusal } from "./errors/refusal.ts";
import { createGuard } from "./guard/guard.ts";
import { writeParquet } from "./parquet.ts";
import { planText } from "./plan.ts";
import { tryToWrite } from "./proof.ts";
import { readRows, runToEnd } from "./run.ts";
import { createSessions, interruptible, type Session } from "./session.ts";
import { mayExplain, only, passGate } from "./sql/gate.ts";
import { type Classified, classify } from "./sql/statement.ts";
import { explained } from "./sql/text.ts";
import { beginTransaction } from "./transaction.ts";

const never = new AbortController().signal;

export function createConnection(member: Member, readOnly: boolean): Connection {
  const sessions = createSessions(member);

  /** One piece of work from beginning to end; errors are read with the SQL at hand. */
  const during = async <Result>(sql: string, signal: AbortSignal, work: (session: Session) => Promise<Result>): Promise<Result> => {
    const session = await sessions.begin(signal);
    try {
      return await work(session);
    } catch (error) {
      throw told(located(error, sql), session);
    } finally {
      await session.end();
    }
  };

  /** A statement is analysed before it is run, so the text last seen is likely to be the next one too. */
  let last: { readonly sql: string; readonly statements: readonly Classified[] } | undefined;
  const statementsOf = async ({ native, engine }: Session, sql: string): Promise<readonly Classified[]> => {
    if (last?.sql !== sql) last = { sql, statements: await classify(native, engine.grammarOf(native), sql) };
    return last.statements;
  };
  const guard = createGuard(statementsOf);

  const permitted = async (session: Session, sql: string, { restrictions = [] }: Pick<QueryOptions, "restrictions">): Promise<string> =>
    restrictions.length === 0 ? sql : guard.render(session, sql, restrictions);

  return {
    async query(sql, params, options): Promise<RowStream> {
      const session = await sessions.begin(options.signal);
      let ran = sql;
      try {
        const statement = only(await statementsOf(session, await permitted(session, sql, options)));
        passGate(statement, readOnly);
        ran = statement.sql;
        if (statement.kind !== "read") session.engine.changes++;
        if (statement.kind === "read") await session.readOnly();
        const run = statement.kind === "read" ? readRows : runToEnd;
        const rows = await run(session, statement, params, options);
        await sessions.stopWith(rows.close);
        return rows;
      } catch (error) {
        await session.end();
        throw told(located(error, ran, ran.length - sql.length), session);
      }
    },
    analyze: (sql, signal = never) => during(sql, signal, (session) => guard.analyze(session, sql)),
    render: (sql, restrictions, signal) => during(sql, signal, (session) => guard.render(session, sql, restrictions)),
    explain: (sql, params, { analyze, signal, ...options }: ExplainOptions) =>
      during(sql, signal, async (session) => {
        const inner = await permitted(session, explained(sql)?.inner ?? sql, options);
        try {
          const statement = only(await classify(session.native, session.engine.grammarOf(session.native), inner));
          mayExplain(statement, analyze);
          if (statement.kind === "read") await session.readOnly();
          const withoutEstimates = (options.restrictions ?? []).some(({ where }) => where.length > 0);
          return await planText(session, inner, { params, analyze, withoutEstimates, signal });
        } catch (error) {
          throw shifted(located(error, inner), sql.length - inner.length);
        }
      }),
    catalog: {
      read: (request: CatalogRequest) =>
        during("", request.signal, async (session) => {
          const { schema, name } = request.object ?? {};
          const rows = await records(session, catalogSql(request), [schema ?? null, name ?? null], request.signal);
          return rows.map((row) => catalogObject(row, request.detail, session.engine.views));
        }),
    },
    async begin(options) {
      const session = await sessions.begin(options.signal);
      const transaction = await beginTransaction(session, { ...options, readOnly: options.readOnly || readOnly });
      session.engine.changes++;
      return transaction;
    },
    ping: (signal) => during("", signal, async ({ native }) => void (await interruptible(native, signal, native.run("SELECT 1")))),
    proveReadOnly: (signal) => tryToWrite(() => sessions.begin(signal), readOnly),
    fileWriters: {
      parquet: (sql: string, params: Params, path: string, { signal, ...options }: Pick<QueryOptions, "signal" | "restrictions">) =>
        during(sql, signal, async (session) => {
          const statement = only(await statementsOf(session, await permitted(session, sql, options)));
          passGate(statement, true);
          await session.readOnly();
          return writeParquet(session, statement.sql, { params, path, signal });
        }),
    },
    [Symbol.asyncDispose]: () => sessions.close(),
  };
}

/** Of a file that has gone the engine says that it may not be read: it no longer knows the path as one of ours. */
function told(error: unknown, { engine }: Session): unknown {
  if (carried(error)?.code !== "POLICY_DENIED") return error;
  const gone = engine.views.flatMap(({ paths }) => paths).find((path) => (error as Error).message.includes(path) && !existsSync(path));
  return gone === undefined ? error : refusal(missing(gone), error);
}

async function records(session: Session, sql: string, params: Params, signal: AbortSignal): Promise<Record<string, Value>[]> {
  const found: Record<string, Value>[] = [];
  const rows = await readRows({ ...session, end: async () => undefined }, { sql, kind: "read", label: "SELECT" }, params, {
    signal,
    batchSize: 2048,
  });
  for await (const { length, columns } of rows) {
    for (let row = 0; row < length; row++)
      found.push(Object.fromEntries(rows.columns.map(({ name }, index) => [name, columns[index]?.[row] ?? null])));
  }
  return found;
}

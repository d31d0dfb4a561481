import type { Connection, Params, QueryOptions } from "../../core/contract/driver.ts";
import type { RowStream } from "../../core/contract/rows.ts";
import { readCatalog } from "./catalog.ts";
import { createCsvStream } from "./csv.ts";
import { explainPlan } from "./explain.ts";
import { proveReadOnly } from "./prove.ts";
import { queryRows } from "./rows.ts";
import { failed, startQuery } from "./run.ts";
import type { Session } from "./session.ts";
import { onlyPiece, pieces, withPlaceholders } from "./sql/statements.ts";
import { beginTransaction } from "./transaction.ts";

const never = new AbortController().signal;

export function createConnection(session: Session): Connection {
  const query = async (sql: string, params: Params, options: QueryOptions): Promise<RowStream> =>
    queryRows(session, onlyPiece(sql), params, options);
  return {
    query,
    copyOut: async (sql, params, { signal }) => createCsvStream(session, await startQuery(session, sql, params, signal)),
    async analyze(sql, signal = never) {
      const found = pieces(sql);
      const [first] = found;
      // What writes is not sent before it is allowed; the server's own parser sees everything else.
      if (first !== undefined && (first.kind === "read" || first.kind === "unknown")) {
        const work = await session.look(signal);
        try {
          await session.prepare(work, withPlaceholders(first));
          await work.end();
        } catch (error) {
          throw await failed(error, work, first);
        }
      }
      return found.map(({ kind }) => ({ kind }));
    },
    explain: (sql, params, options) => explainPlan(session, sql, params, options),
    catalog: { read: (request) => readCatalog(session, request) },
    ping: async (signal) => void (await session.texts(signal, "do 0")),
    get ended() {
      return session.ended;
    },
    begin: (options) => beginTransaction(session, options),
    reset: (signal) => session.reset(signal),
    proveReadOnly: (signal) => proveReadOnly(session, query, signal),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

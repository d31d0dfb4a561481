import type { Connection, Params, QueryOptions } from "../../core/contract/driver.ts";
import type { RowStream } from "../../core/contract/rows.ts";
import { readCatalog } from "./catalog.ts";
import { createCsvStream } from "./csv.ts";
import { estimatedCost, explainPlan } from "./explain.ts";
import { createGuard } from "./guard/guard.ts";
import type { Names } from "./guard/names.ts";
import { proveReadOnly } from "./prove.ts";
import { queryRows } from "./rows.ts";
import { startPiece } from "./run.ts";
import type { Session } from "./session.ts";
import { beginTransaction } from "./transaction.ts";

const never = new AbortController().signal;

export function createConnection(session: Session, names: Names): Connection {
  const guard = createGuard(session, names);
  const query = async (sql: string, params: Params, options: QueryOptions): Promise<RowStream> => {
    const piece = await guard.piece(sql, options.restrictions ?? [], options.signal);
    const rows = await queryRows(session, piece, params, options);
    if (piece.kind !== "read" && piece.kind !== "write") names.forget();
    return rows;
  };
  return {
    query,
    async copyOut(sql, params, { signal, restrictions = [] }) {
      return createCsvStream(session, await startPiece(session, await guard.piece(sql, restrictions, signal), params, signal));
    },
    analyze: (sql, signal = never) => guard.analyze(sql, signal),
    render: async (sql, restrictions, signal) => (await guard.piece(sql, restrictions, signal)).sql,
    cost: async (sql, params, options) =>
      estimatedCost(session, await guard.piece(sql, options.restrictions ?? [], options.signal), params, options),
    explain: async (sql, params, options) =>
      explainPlan(session, await guard.piece(sql, options.restrictions ?? [], options.signal), params, options),
    catalog: { read: (request) => readCatalog(session, request) },
    ping: async (signal) => void (await session.texts(signal, "do 0")),
    get ended() {
      return session.ended;
    },
    begin: (options) => beginTransaction(session, guard, options),
    async reset(signal) {
      await session.reset(signal);
      guard.reset();
    },
    proveReadOnly: (signal) => proveReadOnly(session, query, signal),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

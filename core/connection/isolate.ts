import type { RelationRestriction } from "../contract/analysis.ts";
import type { BeginOptions, Connection, ConnectOptions, Driver, Params, QueryOptions, Target } from "../contract/driver.ts";
import type { DriverSource, SeatOpened, SeatTarget } from "./seat/messages.ts";
import { endGently, openSeat, type Seat, type SeatError, seatError } from "./seat/process.ts";
import { openCsv, openRows } from "./seat/streams.ts";
import { begin, type Turn } from "./seat/transaction.ts";

/** How long an analysis is good for: a schema may change under it. */
const rememberMillis = 1000;

/**
 * Makes a driver whose every connection lives in a process of its own. A cancel ends that process,
 * which is the one thing an engine that blocks its thread cannot ignore; the pool then opens another.
 */
export function isolated(driver: Driver, source: DriverSource, seatCommand: readonly string[]): Driver {
  return {
    ...driver,
    diagnose: (error) => (error as SeatError | null | undefined)?.diagnosis ?? driver.diagnose(error),
    connect: (target, options) => connectSeat(source, target, options, seatCommand),
  };
}

async function connectSeat(
  source: DriverSource,
  target: Target,
  options: ConnectOptions,
  seatCommand: readonly string[],
): Promise<Connection> {
  const seat = openSeat(seatCommand);
  const { password, ...rest } = target;
  const shown: SeatTarget = { ...rest, ...(password && { password: password.reveal() }) };
  try {
    const opened = await seat.ask({ do: "connect", source, target: shown, readOnly: options.readOnly }, options.signal);
    return seatConnection(seat, opened as SeatOpened);
  } catch (error) {
    seat.end();
    throw error;
  }
}

function seatConnection(seat: Seat, has: SeatOpened): Connection {
  const never = new AbortController().signal;
  const turn: Turn = { held: false };
  return {
    async query(sql, params, options) {
      if (turn.held)
        throw seatError({ code: "CONFLICT", message: "The connection is in a transaction", hint: "Commit it or roll it back first" });
      return openRows(seat, sql, params, options);
    },
    analyze: remembered((sql, signal = never) => seat.ask({ do: "analyze", sql }, signal) as ReturnType<Connection["analyze"]>),
    explain: (sql, params, { signal, ...options }) => seat.ask({ do: "explain", sql, params, ...options }, signal) as Promise<string>,
    catalog: {
      read: ({ detail, object, signal }) =>
        seat.ask({ do: "catalog", detail, ...(object && { object }) }, signal) as ReturnType<Connection["catalog"]["read"]>,
    },
    ping: async (signal) => void (await seat.ask({ do: "ping" }, signal)),
    get ended() {
      return seat.ended();
    },
    proveReadOnly: (signal) => seat.ask({ do: "prove" }, signal) as ReturnType<Connection["proveReadOnly"]>,
    ...(has.file && { file: has.file }),
    ...(has.copyOut && { copyOut: (sql: string, params: Params, options: QueryOptions) => openCsv(seat, sql, params, options) }),
    ...(has.render && {
      render: (sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal) =>
        seat.ask({ do: "render", sql, restrictions }, signal) as Promise<string>,
    }),
    ...(has.begin && { begin: (options: BeginOptions) => begin(seat, options, turn) }),
    [Symbol.asyncDispose]: () => endGently(seat),
  };
}

/** What a text reaches changes with the schema only, so the same text is not asked for twice within a moment. */
function remembered(analyze: Connection["analyze"]): Connection["analyze"] {
  const known = new Map<string, { readonly found: Awaited<ReturnType<Connection["analyze"]>>; readonly until: number }>();
  return async (sql, signal) => {
    const entry = known.get(sql);
    if (entry !== undefined && performance.now() < entry.until) return entry.found;
    const found = await analyze(sql, signal);
    known.delete(sql);
    known.set(sql, { found, until: performance.now() + rememberMillis });
    const [oldest] = known.keys();
    if (known.size > 100 && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

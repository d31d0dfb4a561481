import type { CatalogObject } from "../../core/contract/catalog.ts";
import type { BeginOptions, Connection, Driver, Statement, Transaction } from "../../core/contract/driver.ts";
import type { Batch, Column, RowStream, Value } from "../../core/contract/rows.ts";

/** One answer of the memory engine: the text it belongs to, and what comes back. */
export interface MemoryAnswer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
  /** Waits before each batch, so that a test can cancel in between. */
  readonly beforeBatch?: (signal: AbortSignal) => Promise<void>;
  readonly kind?: Statement["kind"];
}

/** What happened to the engine: open connections and the statements they ran. */
export interface MemoryLog {
  /** Attempts to connect, successful or not. */
  attempts: number;
  opened: number;
  closed: number;
  pings: number;
  /** Statements, and what was done besides: `begin`, `commit`, `rollback`, `reset`. */
  readonly ran: string[];
  /** Streams left before their end. */
  stopped: number;
}

/** The server behind the engine, as a test wants it. */
export interface MemoryServer {
  state: "up" | "down" | "rejecting";
  /** Cuts every session that is open now, so that its owner sees it, or only when it asks. */
  restart(how: "seen" | "unseen"): void;
  /** Waits before a session is opened. */
  beforeConnect?: () => Promise<void>;
  /** Called before a statement runs, after it was analysed. */
  beforeQuery?: () => void;
}

/** An engine whose answers are given in advance: SQL text in, rows out. Unknown text fails like a missing table. */
export function memoryDriver(
  answers: Readonly<Record<string, MemoryAnswer>>,
  objects: readonly CatalogObject[] = [],
): { readonly driver: Driver; readonly log: MemoryLog; readonly server: MemoryServer } {
  const log: MemoryLog = { attempts: 0, opened: 0, closed: 0, pings: 0, ran: [], stopped: 0 };
  const sessions = new Set<MemorySession>();
  const server: MemoryServer = {
    state: "up",
    restart(how) {
      for (const session of sessions) session.cut = how;
      sessions.clear();
    },
  };
  const driver: Driver = {
    name: "memory",
    schemes: ["memory"],
    facts: { title: "Memory", identifierQuote: '"' },
    async connect(target, { signal }) {
      log.attempts++;
      await server.beforeConnect?.();
      signal.throwIfAborted();
      if (target.location === "dead" || server.state === "down") throw dead();
      if (server.state === "rejecting") throw Object.assign(new Error("rejected"), { code: "REJECTED" });
      log.opened++;
      const session: MemorySession = { log, server };
      sessions.add(session);
      return connection(answers, objects, session);
    },
    diagnose(error) {
      if (!(error instanceof Error) || !("code" in error)) return undefined;
      if (error.code === "DEAD") return { code: "CONNECTION_FAILED", message: "The engine is dead", hint: "Start it" };
      if (error.code === "REJECTED") return { code: "CREDENTIALS_REJECTED", message: "The password is wrong", hint: "Correct it" };
      if (error.code === "MISSING")
        return { code: "SQL_INVALID", message: `Table "${error.message}" does not exist`, missing: error.message };
      return undefined;
    },
  };
  return { driver, log, server };
}

interface MemorySession {
  readonly server: MemoryServer;
  readonly log: MemoryLog;
  cut?: "seen" | "unseen";
}

function dead(): Error {
  return Object.assign(new Error("dead"), { code: "DEAD" });
}

function connection(
  answers: Readonly<Record<string, MemoryAnswer>>,
  objects: readonly CatalogObject[],
  session: MemorySession,
): Connection {
  const { log, server } = session;
  const alive = (): void => {
    if (session.cut !== undefined) throw dead();
  };
  const find = (sql: string): MemoryAnswer => {
    const answer = answers[sql];
    if (answer === undefined) throw Object.assign(new Error(/from (\w+)/.exec(sql)?.[1] ?? sql), { code: "MISSING" });
    return answer;
  };
  const query: Connection["query"] = async (sql, _params, { signal, batchSize }) => {
    server.beforeQuery?.();
    alive();
    log.ran.push(sql);
    return stream(find(sql), batchSize, signal, log);
  };
  return {
    query,
    async analyze(sql) {
      alive();
      const parts = sql.split(";").filter((part) => part.trim() !== "");
      return parts.map((part) => ({ kind: answers[part]?.kind ?? "read" }));
    },
    explain: async (sql) => `plan of ${sql}`,
    catalog: { read: async ({ object }) => objects.filter((entry) => object === undefined || entry.name === object.name) },
    async ping() {
      log.pings++;
      alive();
    },
    get ended() {
      return session.cut === "seen";
    },
    async begin(options) {
      alive();
      return transaction(options, query, log, alive);
    },
    async reset() {
      alive();
      log.ran.push("reset");
    },
    proveReadOnly: async () => ({ state: "verified", attempts: [] }),
    [Symbol.asyncDispose]: async () => {
      log.closed++;
    },
  };
}

function transaction({ readOnly, isolation }: BeginOptions, query: Connection["query"], log: MemoryLog, alive: () => void): Transaction {
  let over = false;
  const finish = async (how: "commit" | "rollback") => {
    alive();
    if (over) throw dead();
    over = true;
    log.ran.push(how);
  };
  log.ran.push(["begin", ...(readOnly ? ["read only"] : []), ...(isolation === undefined ? [] : [isolation])].join(" "));
  return {
    query,
    commit: () => finish("commit"),
    rollback: () => finish("rollback"),
    [Symbol.asyncDispose]: async () => {
      if (!over) await finish("rollback");
    },
  };
}

function stream({ columns, rows, beforeBatch }: MemoryAnswer, batchSize: number, signal: AbortSignal, log: MemoryLog): RowStream {
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      let finished = false;
      try {
        for (let at = 0; at < rows.length; at += batchSize) {
          await beforeBatch?.(signal);
          signal.throwIfAborted();
          yield toBatch(columns, rows.slice(at, at + batchSize));
        }
        finished = true;
      } finally {
        if (!finished) log.stopped++;
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function toBatch(columns: readonly Column[], rows: readonly (readonly Value[])[]): Batch {
  return { length: rows.length, columns: columns.map((_, c) => rows.map((row) => row[c] ?? null)) };
}

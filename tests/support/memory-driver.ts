import type { CatalogObject } from "../../core/contract/catalog.ts";
import type { Connection, Driver, Statement } from "../../core/contract/driver.ts";
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
  opened: number;
  closed: number;
  readonly ran: string[];
  /** Streams left before their end. */
  stopped: number;
}

/** An engine whose answers are given in advance: SQL text in, rows out. Unknown text fails like a missing table. */
export function memoryDriver(
  answers: Readonly<Record<string, MemoryAnswer>>,
  objects: readonly CatalogObject[] = [],
): { readonly driver: Driver; readonly log: MemoryLog } {
  const log: MemoryLog = { opened: 0, closed: 0, ran: [], stopped: 0 };
  const driver: Driver = {
    name: "memory",
    schemes: ["memory"],
    facts: { title: "Memory", identifierQuote: '"' },
    async connect(target, { signal }) {
      signal.throwIfAborted();
      if (target.location === "dead") throw Object.assign(new Error("dead"), { code: "DEAD" });
      log.opened++;
      return connection(answers, objects, log);
    },
    diagnose(error) {
      if (!(error instanceof Error) || !("code" in error)) return undefined;
      if (error.code === "DEAD") return { code: "CONNECTION_FAILED", message: "The engine is dead", hint: "Start it" };
      if (error.code === "MISSING")
        return { code: "SQL_INVALID", message: `Table "${error.message}" does not exist`, missing: error.message };
      return undefined;
    },
  };
  return { driver, log };
}

function connection(answers: Readonly<Record<string, MemoryAnswer>>, objects: readonly CatalogObject[], log: MemoryLog): Connection {
  const find = (sql: string): MemoryAnswer => {
    const answer = answers[sql];
    if (answer === undefined) throw Object.assign(new Error(/from (\w+)/.exec(sql)?.[1] ?? sql), { code: "MISSING" });
    return answer;
  };
  return {
    async query(sql, _params, { signal, batchSize }) {
      log.ran.push(sql);
      return stream(find(sql), batchSize, signal, log);
    },
    analyze: async (sql) =>
      sql
        .split(";")
        .filter((part) => part.trim() !== "")
        .map((part) => ({ kind: answers[part]?.kind ?? "read" })),
    explain: async (sql) => `plan of ${sql}`,
    catalog: { read: async ({ object }) => objects.filter((entry) => object === undefined || entry.name === object.name) },
    ping: async () => undefined,
    proveReadOnly: async () => ({ state: "verified", attempts: [] }),
    [Symbol.asyncDispose]: async () => {
      log.closed++;
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

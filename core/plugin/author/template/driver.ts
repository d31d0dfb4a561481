import type { Connection, Driver, Params, ReadOnlyAttempt } from "../../../contract/driver.ts";
import type { Batch, RowStream, Value } from "../../../contract/rows.ts";
import { diagnose, failure } from "./failure.ts";
import { parse, type Select } from "./sql.ts";
import { describeTables, type Result, select } from "./store.ts";

/**
 * The driver: what tidegate asks, answered. sql.ts and store.ts stand in for an engine. To make it yours, put your
 * engine's client in their place, method by method, and take entries out of `cannot` in driver-suite.ts as you go.
 */
export const driver: Driver = {
  name: "mydb",
  schemes: ["mydb"],
  // `blocking: true` gives each connection a process of its own: for clients that block the thread while they work.
  facts: { title: "mydb", identifierQuote: '"' },

  // The target is the URL in parts: location (host, port, path), options (its query part), user, and password.reveal().
  async connect({ location }, { signal, readOnly }) {
    signal.throwIfAborted();
    if (location !== "sample") throw failure({ code: "NOT_FOUND", message: `There is no store "${location}"`, hint: "Use mydb:sample" });
    if (!readOnly) throw failure({ code: "UNSUPPORTED", message: "The store can only be read", hint: "Leave --write out" });
    return openConnection();
  },

  diagnose,
};

function openConnection(): Connection {
  let open = true;
  const ready = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (!open) throw failure({ code: "CONNECTION_FAILED", message: "The connection is closed", hint: "Run the call again" });
  };
  // An engine prepares the statement here: its columns are known, and its errors thrown, before the first row.
  const query: Connection["query"] = async (sql, params, { signal, batchSize }) => {
    ready(signal);
    const statement = onlySelect(sql, params);
    return stream(select(statement, params as readonly Value[], signal), batchSize, signal);
  };
  return {
    query,
    // Runs nothing. What the engine's grammar cannot place is "unknown", which counts as a write.
    analyze: async (sql) => parse(sql).map(({ kind }) => ({ kind })),
    async explain(sql, params, { signal, analyze }) {
      ready(signal);
      if (analyze) throw failure({ code: "UNSUPPORTED", message: "The store cannot measure a plan", hint: "Leave --analyze out" });
      const { table, where, order } = onlySelect(sql, params);
      const steps = [`read ${table ?? "nothing"}`, ...where.map(({ column }) => `keep by ${column}`), order && `sort by ${order.column}`];
      return steps.filter((step) => step !== undefined).join("\n");
    },
    // In one round trip, ordered by schema and name, without what is the engine's own.
    catalog: { read: async ({ detail, object }) => describeTables(detail, object?.name) },
    ping: async (signal) => ready(signal),
    // Tries to write in every way the engine knows (tables, sequences, functions, files) and leaves nothing behind.
    async proveReadOnly(signal) {
      const attempts: ReadOnlyAttempt[] = [];
      for (const attempt of ["create table probe (id integer)", "insert into probe values (1)", "drop table probe"]) {
        const refused = await query(attempt, [], { signal, batchSize: 1 }).then(
          () => false,
          () => true,
        );
        attempts.push({ attempt, refused, ...(refused && { by: "the driver, which runs nothing but select" }) });
      }
      return { state: attempts.every(({ refused }) => refused) ? "verified" : "UNVERIFIED", attempts };
    },
    async [Symbol.asyncDispose]() {
      open = false;
    },
  };
}

/** Exactly one statement, and one that reads. A real engine refuses the second one itself, and writes in a read-only transaction. */
function onlySelect(sql: string, params: Params): Select {
  const [statement, second] = parse(sql);
  if (statement === undefined) throw failure({ code: "SQL_INVALID", message: "There is no statement", hint: "Write a select" });
  if (second !== undefined) throw failure({ code: "INPUT_INVALID", message: "There are two statements", hint: "Run one after the other" });
  if (statement.kind !== "read") throw failure({ code: "POLICY_DENIED", message: "The store can only be read", hint: "Write a select" });
  const { parameters } = statement.select;
  if (Array.isArray(params) && params.length === parameters) return statement.select;
  const given = Array.isArray(params) ? params.length : "named ones";
  const message = `The statement has ${parameters} positional parameters, given were ${given}`;
  throw failure({ code: "INPUT_INVALID", message, hint: "Give one value for each question mark" });
}

/** Rows by column, at most `batchSize` at a time. Leaving the loop, or disposing the stream, stops the engine. */
function stream({ columns, rows }: Result, batchSize: number, signal: AbortSignal): RowStream {
  let left = false;
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      if (left) return;
      let gathered: Value[][] = [];
      for await (const row of rows) {
        if (gathered.push([...row]) < batchSize) continue;
        yield toBatch(gathered, columns.length);
        gathered = [];
        // Timers and input get their turn, or no cancel would be heard. A client that waits for a socket needs no such line.
        await new Promise((turn) => setTimeout(turn));
        signal.throwIfAborted();
      }
      if (gathered.length > 0) yield toBatch(gathered, columns.length);
    },
    async [Symbol.asyncDispose]() {
      left = true;
    },
  };
}

function toBatch(rows: readonly (readonly Value[])[], width: number): Batch {
  return { length: rows.length, columns: Array.from({ length: width }, (_, column) => rows.map((row) => row[column] ?? null)) };
}

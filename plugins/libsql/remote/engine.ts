import { type Engine, noArgs, type Row, type Scope } from "../engine.ts";
import { type Facts, factsOf, factsSql } from "../facts.ts";
import { connectionClosed } from "../refusal.ts";
import { answered, serverError, writeError } from "./errors.ts";
import { type Hrana, inOnePiece, type Stream, toStatement } from "./hrana.ts";
import { createSession } from "./session.ts";

const rollbackMillis = 5000;

/** A server through Hrana over HTTP. Nothing stays there between calls, except a transaction. */
export async function createRemoteEngine(hrana: Hrana, readOnly: boolean, signal: AbortSignal): Promise<Engine> {
  let ended = false;
  const open = (signal: AbortSignal): Stream => {
    if (ended) throw connectionClosed();
    signal.throwIfAborted();
    hrana.use(signal);
    return hrana.stream();
  };
  const facts = await factsFrom(open(signal), signal);
  const session = createSession(hrana, { facts, open });
  return {
    ...session,
    readOnly,
    get ended() {
      return ended;
    },
    async begin({ readOnly, signal }) {
      const stream = open(signal);
      await execute(stream, readOnly ? "begin readonly" : "begin immediate", signal);
      return scopeOn(hrana, facts, stream);
    },
    async tryWrite(table, signal) {
      const stream = open(signal);
      const steps = [
        { sql: readOnly ? "begin readonly" : "begin" },
        { sql: `create table ${table} (x)` },
        { sql: "rollback", last: true },
      ] as const;
      try {
        for await (const entry of inOnePiece(stream, steps))
          if (entry.type === "step_error" && entry.step === 1) throw answered(entry.error, "");
      } catch (error) {
        throw serverError(error, "", signal);
      } finally {
        stream.close();
      }
      if (!readOnly) return { refused: false };
      // The server lets a read-only transaction write: what stops it is that every read is rolled back.
      const reader = await session.read("select count(*) from sqlite_schema where name = ?", { values: [table] }, { signal });
      const [[count] = []] = (await reader.next()) ?? [];
      await reader.close();
      if (count === 0n) return { refused: true, by: "the transaction of every read is rolled back" };
      await session.write(`drop table ${table}`, noArgs, signal);
      return { refused: false };
    },
    // Each call has a stream of its own: there is nothing to forget.
    reset: async () => undefined,
    async close() {
      ended = true;
      hrana.close();
    },
  };
}

/** A transaction on a stream of its own, which the server keeps for some seconds between two calls. */
function scopeOn(hrana: Hrana, facts: Facts, stream: Stream): Scope {
  const on = (signal: AbortSignal) => {
    hrana.use(signal);
    return stream;
  };
  return {
    ...createSession(hrana, { facts, open: on, scope: stream }),
    async commit(signal) {
      await execute(on(signal), "commit", signal, writeError);
      stream.closeGracefully();
    },
    async rollback() {
      // A stream that was lost has rolled back already.
      if (stream.closed) return;
      const patience = AbortSignal.timeout(rollbackMillis);
      // Closing the stream rolls back as well.
      await execute(on(patience), "rollback", patience).catch(() => undefined);
      stream.close();
    },
  };
}

async function execute(stream: Stream, sql: string, signal: AbortSignal, told = serverError): Promise<void> {
  try {
    await stream._execute(toStatement({ sql }));
  } catch (error) {
    throw told(error, sql, signal);
  }
}

async function factsFrom(stream: Stream, signal: AbortSignal): Promise<Facts> {
  try {
    const asked = stream._execute(toStatement({ sql: factsSql }));
    stream.closeGracefully();
    return factsOf((await asked).rows as Row[]);
  } catch (error) {
    throw serverError(error, "", signal);
  }
}

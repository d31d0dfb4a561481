import { randomUUID } from "node:crypto";
import type { Connection, ReadOnlyAttempt, ReadOnlyProof } from "../../core/contract/driver.ts";
import { literal, quoted } from "./catalog/queries.ts";
import { diagnose } from "./diagnose.ts";
import type { Session } from "./session.ts";
import { queryCommand, readAnswer } from "./wire/protocol.ts";

interface Attempt {
  readonly attempt: string;
  readonly sql: string;
  /** Takes back what the attempt did, where it got through. */
  readonly undo?: string;
}

/** Tries to write as a caller would. On a connection that may write, the first thing that gets through proves enough. */
export async function proveReadOnly(session: Session, query: Connection["query"], signal: AbortSignal): Promise<ReadOnlyProof> {
  const attempts: ReadOnlyAttempt[] = [];
  const run = async (sql: string) => {
    await using rows = await query(sql, [], { signal, batchSize: 1 });
    for await (const _ of rows);
  };
  for (const { attempt, sql, undo } of await attemptsOn(session, signal)) {
    const outcome = await outcomeOf(run(sql));
    attempts.push({ attempt, ...outcome });
    if (outcome.refused) continue;
    if (undo !== undefined) await run(undo);
    break;
  }
  if (session.readOnly) attempts.push(await engineAttempt(session, signal));
  if (!attempts.every(({ refused }) => refused)) return { state: "UNVERIFIED", attempts };
  return { state: attempts.at(-1)?.by === byRole ? "role-limited" : "verified", attempts };
}

async function attemptsOn({ texts, database }: Session, signal: AbortSignal): Promise<Attempt[]> {
  const name = `tidegate_proof_${randomUUID().replaceAll("-", "")}`;
  const find = `select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema ${database === undefined ? "not in ('mysql', 'information_schema', 'performance_schema', 'sys')" : `= ${literal(database)}`} limit 1`;
  const [[table] = []] = await texts(signal, find);
  const into = table === undefined ? undefined : `${quoted(table[0] ?? "")}.${quoted(table[1] ?? "")}`;
  const own = database === undefined ? name : `${quoted(database)}.${name}`;
  return [
    { attempt: "set a user variable", sql: "set @tidegate_proof = 1", undo: "set @tidegate_proof = null" },
    { attempt: "set a user variable in a select", sql: "select @tidegate_proof := 1" },
    ...(into === undefined ? [] : [{ attempt: "insert a row", sql: `insert into ${into} select * from ${into} where false` }]),
    { attempt: "create a table", sql: `create table ${own} (x int)`, undo: `drop table ${own}` },
    { attempt: "create a temporary table", sql: `create temporary table ${own} (x int)`, undo: `drop temporary table ${own}` },
    { attempt: "write a file with INTO OUTFILE", sql: `select 1 into outfile '/tmp/${name}'` },
    { attempt: "read rows into a variable", sql: "select 1 into @tidegate_proof" },
    { attempt: "take a lock with GET_LOCK", sql: `select get_lock('${name}', 0)`, undo: `select release_lock('${name}')` },
    { attempt: "lock rows", sql: into === undefined ? "select 1 for update" : `select 1 from ${into} where false for update` },
    { attempt: "change a setting with SET GLOBAL", sql: "set global max_connections = @@max_connections" },
    { attempt: "leave the read-only transaction", sql: "set session transaction read write" },
    { attempt: "commit", sql: "commit" },
    { attempt: "run an executable comment", sql: `select 1 /*!50000 into @tidegate_proof */` },
  ];
}

/** The server's own wall, with nothing of ours before it: a table made inside the transaction every read runs in. */
async function engineAttempt(session: Session, signal: AbortSignal): Promise<ReadOnlyAttempt> {
  const name = `tidegate_proof_${randomUUID().replaceAll("-", "")}`;
  const place = session.database === undefined ? `mysql.${name}` : `${quoted(session.database)}.${name}`;
  const attempt = "create a table past the driver's own check";
  const create = async () => {
    const work = await session.begin(signal, true);
    try {
      await work.ask([queryCommand(`create table ${place} (x int)`)], readAnswer);
    } finally {
      await work.end();
    }
  };
  const outcome = await outcomeOf(create());
  if (!outcome.refused) await session.texts(signal, `drop table ${place}`);
  return { attempt, ...outcome };
}

const byRole = "the user's rights";

/** Only a refusal to write counts: a write that a constraint stopped was allowed to try. */
async function outcomeOf(running: Promise<unknown>): Promise<Omit<ReadOnlyAttempt, "attempt">> {
  try {
    await running;
    return { refused: false };
  } catch (error) {
    const code = diagnose(error)?.code;
    if (code === undefined || code === "CONNECTION_FAILED" || code === "TIMEOUT") throw error;
    if (code === "FORBIDDEN") return { refused: true, by: byRole };
    return { refused: code === "POLICY_DENIED", by: (error as Error).message };
  }
}

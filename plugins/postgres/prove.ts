import { randomUUID } from "node:crypto";
import type { Connection, ReadOnlyAttempt, ReadOnlyProof } from "../../core/contract/driver.ts";
import { diagnose } from "./diagnose.ts";
import type { Session } from "./session.ts";
import { bind, execute, parse } from "./wire/messages.ts";
import { tag } from "./wire/wire.ts";

type Attempts = readonly (readonly [attempt: string, sql: string])[];

/** Sent past this driver's gate, in the very transaction that callers get: the server alone says no. */
const atServer = (name: string, sequence: string | undefined): Attempts => [
  ["create a table", `create table ${name} (x int)`],
  ["create a temporary table", `create temp table ${name} (x int)`],
  ["write in a common table expression", "with x as (update pg_description set description = '' where false returning 1) select * from x"],
  ["write in a block of code", `do $$ begin execute 'create table ${name} (x int)'; end $$`],
  ...(sequence === undefined ? [] : [["count a sequence up", `select nextval(${sequence}::oid::regclass)`] as const]),
];

/** Sent as a caller would, because a read-only transaction lets these through or undoes them too late. */
const throughGate = (name: string): Attempts => [
  ["create a table by explaining it", `explain analyze create table ${name} as select 1`],
  ["create a large object", "select lo_create(0)"],
  ["read a file of the server", "select pg_read_file('PG_VERSION')"],
  ["write a file of the server", `copy (select 1) to '/tmp/${name}'`],
  ["call a function that tells others", `select pg_notify('${name}', '')`],
  ["leave the transaction", "commit"],
];

const sequenceSql =
  "select c.oid from pg_class c where case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'usage') end order by c.oid limit 1";

/** Tries to write in every way the engine knows. What gets through is rolled back, and proves enough to try nothing that could not be. */
export async function proveReadOnly(session: Session, query: Connection["query"], signal: AbortSignal): Promise<ReadOnlyProof> {
  const name = `tidegate_proof_${randomUUID().replaceAll("-", "")}`;
  const [row] = await session.during(signal, (work) => work.rows(sequenceSql));
  const attempts: ReadOnlyAttempt[] = [];
  const refusedSoFar = () => attempts.every(({ refused }) => refused);
  for (const [attempt, sql] of atServer(name, row?.[0] ?? undefined)) {
    if (refusedSoFar()) attempts.push({ attempt, ...(await outcome(sendToServer(session, sql, signal))) });
  }
  for (const [attempt, sql] of throughGate(name)) {
    if (refusedSoFar()) attempts.push({ attempt, ...(await outcome(sendThroughGate(query, sql, signal))) });
  }
  if (!refusedSoFar()) return { state: "UNVERIFIED", attempts };
  // Such a role reaches further than any transaction: a function of its own may do what no call here can.
  const { superuser, files, replication } = session.opened.facts;
  return { state: superuser || files || replication ? "role-limited" : "verified", attempts };
}

async function sendToServer(session: Session, sql: string, signal: AbortSignal): Promise<void> {
  await session.during(signal, async (work) => {
    work.transaction(session.readOnly ? "READ ONLY" : "READ WRITE");
    work.request(parse(sql), bind("", []), execute("", 1));
    work.running = true;
    await work.ready();
    for (let type = 0; type !== tag.commandComplete && type !== tag.portalSuspended; ) type = await work.reply();
    work.running = false;
  });
}

async function sendThroughGate(query: Connection["query"], sql: string, signal: AbortSignal): Promise<void> {
  await using rows = await query(sql, [], { signal, batchSize: 1 });
  for await (const _ of rows);
}

/** Only a refusal to write counts: what fails for another reason was allowed to try. */
async function outcome(running: Promise<void>): Promise<Omit<ReadOnlyAttempt, "attempt">> {
  try {
    await running;
    return { refused: false };
  } catch (error) {
    const code = diagnose(error)?.code;
    if (code === undefined || code === "CONNECTION_FAILED" || code === "TIMEOUT" || code === "CANCELLED") throw error;
    return { refused: code === "POLICY_DENIED" || code === "FORBIDDEN", by: (error as Error).message };
  }
}

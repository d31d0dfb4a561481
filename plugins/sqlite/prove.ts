import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection, ReadOnlyAttempt, ReadOnlyProof } from "../../core/contract/driver.ts";
import { diagnose } from "./diagnose.ts";
import type { Session } from "./session.ts";

/** Statements run one after the other, whatever becomes of them; the last one is the write that counts. */
interface Attempt {
  readonly attempt: string;
  readonly sql: readonly string[];
}

type Run = (sql: string) => Promise<void>;

/** Tries to write as a caller would. What gets through is rolled back, and proves enough to try nothing that could not be. */
export async function proveReadOnly(session: Session, query: Connection["query"], signal: AbortSignal): Promise<ReadOnlyProof> {
  const name = `tidegate_proof_${randomUUID().replaceAll("-", "")}`;
  const file = join(tmpdir(), `${name}.db`);
  const run: Run = async (sql) => {
    await using rows = await query(sql, [], { signal, batchSize: 1 });
    for await (const _ of rows);
  };
  const attempts = await rolledBack(session, () => tryAll(insideTransaction(session, name), run));
  if (attempts.every(({ refused }) => refused)) {
    try {
      attempts.push(...(await tryAll(outsideTransaction(name, file), run)));
    } finally {
      cleanUp(session, name, file);
    }
  }
  return { state: attempts.every(({ refused }) => refused) ? "verified" : "UNVERIFIED", attempts };
}

function insideTransaction({ database, trusted }: Session, name: string): Attempt[] {
  const find =
    "select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' limit 1";
  const [table] = trusted(() => database.prepare(find).all()) as unknown as [string][];
  return [
    { attempt: "create a table", sql: [`create table ${name} (x)`] },
    { attempt: "create a temporary table", sql: [`create temp table ${name} (x)`] },
    ...(table === undefined ? [] : [{ attempt: "insert a row", sql: [`insert into "${table[0].replaceAll('"', '""')}" default values`] }]),
    { attempt: "switch query_only off and create a table", sql: ["pragma query_only = 0", `create table ${name}_2 (x)`] },
  ];
}

/** What SQLite cannot do, or not undo, inside a transaction. */
function outsideTransaction(name: string, file: string): Attempt[] {
  return [
    { attempt: "attach another file", sql: [`attach '${file.replaceAll("'", "''")}' as ${name}`] },
    { attempt: "copy the database with VACUUM INTO", sql: [`vacuum into '${file.replaceAll("'", "''")}'`] },
    { attempt: "load an extension", sql: [`select load_extension('${name}')`] },
  ];
}

async function tryAll(attempts: readonly Attempt[], run: Run): Promise<ReadOnlyAttempt[]> {
  const results: ReadOnlyAttempt[] = [];
  for (const { attempt, sql } of attempts) {
    let outcome: Omit<ReadOnlyAttempt, "attempt"> = { refused: false };
    for (const statement of sql) outcome = await outcomeOf(run(statement));
    results.push({ attempt, ...outcome });
  }
  return results;
}

/** Only a refusal to write counts: a write that a constraint stopped was allowed to try. */
async function outcomeOf(running: Promise<void>): Promise<Omit<ReadOnlyAttempt, "attempt">> {
  try {
    await running;
    return { refused: false };
  } catch (error) {
    const code = diagnose(error)?.code;
    // A lock, a damaged file or a caller who left stops reads as well: that proves nothing.
    if (code === undefined || code === "CONNECTION_FAILED") throw error;
    return { refused: code === "POLICY_DENIED", by: (error as Error).message };
  }
}

async function rolledBack<Result>({ database, readOnly, trusted }: Session, work: () => Promise<Result>): Promise<Result> {
  trusted(() => database.exec("begin"));
  try {
    return await work();
  } finally {
    trusted(() => {
      if (database.isTransaction) database.exec("rollback");
      database.exec(`pragma query_only = ${readOnly ? 1 : 0}`);
    });
  }
}

function cleanUp({ database, trusted }: Session, name: string, file: string): void {
  trusted(() => {
    const attached = database.prepare("select 1 from pragma_database_list where name = ?").get(name);
    if (attached !== undefined) database.exec(`detach ${name}`);
  });
  rmSync(file, { force: true });
}

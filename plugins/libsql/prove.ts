import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection, ReadOnlyAttempt, ReadOnlyProof } from "../../core/contract/driver.ts";
import { diagnose } from "./diagnose.ts";
import type { Engine } from "./engine.ts";

interface Attempt {
  readonly attempt: string;
  readonly sql: string;
}

const byRole = "the token's rights";

/** Tries to write as a caller would, then with nothing of this driver's before the engine. On a connection that may write, the latter proves enough. */
export async function proveReadOnly(engine: Engine, query: Connection["query"], signal: AbortSignal): Promise<ReadOnlyProof> {
  const name = `tidegate_proof_${randomUUID().replaceAll("-", "")}`;
  const file = join(tmpdir(), `${name}.db`);
  const run = async (sql: string) => {
    await using rows = await query(sql, [], { signal, batchSize: 1 });
    for await (const _ of rows);
  };
  const attempts: ReadOnlyAttempt[] = [];
  if (engine.readOnly) {
    try {
      for (const { attempt, sql } of attemptsOf(name, file))
        attempts.push({ attempt, ...(await outcomeOf(run(sql).then(() => ({ refused: false })))) });
    } finally {
      rmSync(file, { force: true });
    }
  }
  const past = engine.readOnly ? "create a table past the driver's own check" : "create a table";
  attempts.push({ attempt: past, ...(await outcomeOf(engine.tryWrite(name, signal))) });
  if (!attempts.every(({ refused }) => refused)) return { state: "UNVERIFIED", attempts };
  return { state: attempts.at(-1)?.by === byRole ? "role-limited" : "verified", attempts };
}

function attemptsOf(name: string, file: string): Attempt[] {
  const path = `'${file.replaceAll("'", "''")}'`;
  return [
    { attempt: "create a table", sql: `create table ${name} (x)` },
    { attempt: "create a temporary table", sql: `create temp table ${name} (x)` },
    { attempt: "insert a row", sql: "insert into sqlite_schema default values" },
    { attempt: "switch query_only off", sql: "pragma query_only = 0" },
    { attempt: "begin a writing transaction", sql: "begin immediate" },
    { attempt: "attach another file", sql: `attach ${path} as ${name}` },
    { attempt: "copy the database with VACUUM INTO", sql: `vacuum into ${path}` },
    { attempt: "write a file in a select", sql: `select writefile(${path}, 'x')` },
    { attempt: "read a file in a select", sql: `select readfile(${path})` },
    { attempt: "load an extension", sql: `select load_extension('${name}')` },
  ];
}

/** Only a refusal to write counts: a write that a constraint stopped was allowed to try. */
async function outcomeOf(running: Promise<Omit<ReadOnlyAttempt, "attempt">>): Promise<Omit<ReadOnlyAttempt, "attempt">> {
  try {
    return await running;
  } catch (error) {
    const found = diagnose(error)?.code;
    // A lock, a lost connection or a caller who left stops reads as well: that proves nothing.
    if (found === undefined || found === "CONNECTION_FAILED" || found === "CREDENTIALS_REJECTED") throw error;
    if (found === "FORBIDDEN") return { refused: true, by: byRole };
    return { refused: found === "POLICY_DENIED", by: (error as Error).message };
  }
}

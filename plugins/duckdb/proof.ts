import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadOnlyAttempt, ReadOnlyProof } from "../../core/contract/driver.ts";
import { diagnose } from "./errors/diagnose.ts";
import type { Session } from "./session.ts";
import { passGate } from "./sql/gate.ts";
import { quoted, text } from "./sql/quote.ts";
import { classify } from "./sql/statement.ts";

interface Attempt {
  readonly attempt: string;
  readonly sql: string;
  /** `gate` for what could not be undone if it went through, `engine` for what the gate has no quarrel with. */
  readonly only?: "gate" | "engine";
}

/**
 * Tries to write, once at the gate every statement passes and once on the engine behind it, as if there were no gate.
 * What gets through is rolled back.
 */
export async function tryToWrite(begin: () => Promise<Session>, readOnly: boolean): Promise<ReadOnlyProof> {
  const session = await begin();
  const outside = join(tmpdir(), `tidegate-${crypto.randomUUID()}.csv`);
  try {
    const attempts: ReadOnlyAttempt[] = [];
    for (const each of await attemptsOn(session, outside)) {
      if (each.only !== "engine") attempts.push(await tryGate(session, each, readOnly));
      if (each.only !== "gate") attempts.push(await tryEngine(session, each, readOnly));
    }
    return { state: attempts.every(({ refused }) => refused) ? "verified" : "UNVERIFIED", attempts };
  } finally {
    for (const path of [outside, `${outside}.duckdb`]) rmSync(path, { force: true });
    await session.end();
  }
}

async function attemptsOn({ native }: Session, outside: string): Promise<readonly Attempt[]> {
  const tables = await native.runAndReadAll(
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND NOT temporary LIMIT 1",
  );
  const [schema, table] = tables.getRows()[0] ?? [];
  const name = table === undefined ? undefined : `${quoted(String(schema))}.${quoted(String(table))}`;
  const made = quoted(`tidegate_${crypto.randomUUID()}`);
  const onTable: readonly Attempt[] = [
    { attempt: "insert rows", sql: `INSERT INTO ${name} FROM ${name} LIMIT 0` },
    { attempt: "drop a table", sql: `DROP TABLE ${name}`, only: "gate" },
  ];
  return [
    { attempt: "create a table", sql: `CREATE TABLE ${made} (x INTEGER)` },
    ...(name === undefined ? [] : onTable),
    { attempt: "write a file", sql: `COPY (SELECT 1) TO ${text(outside)} (USE_TMP_FILE false)` },
    { attempt: "read a file that was not named", sql: `FROM read_text(${text(process.execPath)}) LIMIT 0`, only: "engine" },
    { attempt: "attach a database", sql: `ATTACH ${text(`${outside}.duckdb`)}` },
    { attempt: "install an extension", sql: "INSTALL httpfs" },
    { attempt: "load an extension", sql: "LOAD httpfs" },
    { attempt: "change a setting", sql: "SET enable_external_access = true" },
    { attempt: "unlock the settings", sql: "SET lock_configuration = false" },
    { attempt: "change the engine by a function", sql: "FROM enable_logging()", only: "gate" },
  ];
}

async function tryGate({ native, engine }: Session, { attempt, sql }: Attempt, readOnly: boolean): Promise<ReadOnlyAttempt> {
  try {
    for (const statement of await classify(native, engine.grammarOf(native), sql)) passGate(statement, readOnly);
    return { attempt, refused: false };
  } catch (error) {
    return { attempt, refused: true, by: diagnose(error)?.message ?? "DuckDB" };
  }
}

async function tryEngine({ native }: Session, { attempt, sql }: Attempt, readOnly: boolean): Promise<ReadOnlyAttempt> {
  const named = `${attempt}, past the gate`;
  await native.run(`BEGIN TRANSACTION${readOnly ? " READ ONLY" : ""}`);
  try {
    await native.run(sql);
    return { attempt: named, refused: false };
  } catch (error) {
    return { attempt: named, refused: true, by: diagnose(error)?.message ?? "DuckDB" };
  } finally {
    await native.run("ROLLBACK");
  }
}

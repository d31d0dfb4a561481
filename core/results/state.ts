import { closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { problem } from "../problem.ts";

/** One step for each version of the state; a file of an earlier version is brought up to date when it is opened. */
const steps: readonly string[] = [
  `CREATE TABLE owners (owner TEXT PRIMARY KEY, given INTEGER NOT NULL) STRICT;
   CREATE TABLE results (
     id TEXT PRIMARY KEY,
     owner TEXT NOT NULL,
     name TEXT NOT NULL,
     -- 'kept', or why it is gone: 'expired', 'removed', 'lost'.
     state TEXT NOT NULL,
     columns TEXT NOT NULL,
     rows INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     truncated TEXT,
     created INTEGER NOT NULL,
     used INTEGER NOT NULL,
     expires INTEGER NOT NULL,
     lineage TEXT NOT NULL,
     -- The policy it was narrowed by; the statement with all that decides what it answers, where it may answer again.
     policy TEXT NOT NULL,
     asked TEXT,
     UNIQUE (owner, name)
   ) STRICT;
   CREATE INDEX results_by_state ON results (state, expires);
   CREATE INDEX results_by_question ON results (asked) WHERE asked IS NOT NULL;
   CREATE TABLE files (
     id INTEGER PRIMARY KEY,
     owner TEXT NOT NULL,
     path TEXT NOT NULL,
     format TEXT NOT NULL,
     rows INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     sha256 TEXT NOT NULL,
     created INTEGER NOT NULL,
     lineage TEXT NOT NULL
   ) STRICT;
   CREATE INDEX files_by_hash ON files (sha256);`,
];

/** What is kept about results, in one SQLite file that several processes may use at once. */
export interface State {
  all(sql: string, ...params: (string | number | null)[]): readonly Readonly<Record<string, string | number | null>>[];
  run(sql: string, ...params: (string | number | null)[]): number;
  /** Everything inside happens, or nothing; no other process comes between. */
  together<Result>(work: () => Result): Result;
  close(): void;
}

/**
 * Opens the state, made or brought up to date where it needs to be. A file that is no longer readable is put aside, never deleted.
 * @throws CONFIG_INVALID for a file of a later version, or one that cannot be opened
 */
export async function openState(path: string, warn: (message: string) => void): Promise<State> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const { DatabaseSync } = await import("node:sqlite");
  // The files SQLite keeps beside it take after it.
  closeSync(openSync(path, "a", 0o600));
  try {
    return prepared(new DatabaseSync(path), path);
  } catch (error) {
    if (!isBroken(error)) throw asConfig(error, path);
    const aside = `${path}.broken-${Date.now()}`;
    for (const ending of ["", "-wal", "-shm"]) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
    warn(`The record of stored results could not be read and was put aside as ${aside}`);
    return prepared(new DatabaseSync(path), path);
  }
}

function prepared(database: DatabaseSync, path: string): State {
  try {
    database.exec("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    const state = stateOf(database);
    upgrade(state, database, path);
    return state;
  } catch (error) {
    database.close();
    throw error;
  }
}

function stateOf(database: DatabaseSync): State {
  return {
    all: (sql, ...params) => database.prepare(sql).all(...params) as ReturnType<State["all"]>,
    run: (sql, ...params) => Number(database.prepare(sql).run(...params).changes),
    together(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
    close: () => database.close(),
  };
}

function upgrade(state: State, database: DatabaseSync, path: string): void {
  const version = () => Number(state.all("PRAGMA user_version")[0]?.user_version ?? 0);
  if (version() === steps.length) return;
  state.together(() => {
    const from = version();
    if (from > steps.length)
      throw problem(
        "CONFIG_INVALID",
        `"${path}" was written by a later version of tidegate`,
        "Update tidegate, or set another state folder",
      );
    for (const step of steps.slice(from)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}

function isBroken(error: unknown): boolean {
  return (
    error instanceof Error &&
    /not a database|malformed|SQLITE_NOTADB|SQLITE_CORRUPT/i.test(`${error.message} ${(error as { code?: string }).code}`)
  );
}

function asConfig(error: unknown, path: string): unknown {
  if (
    !(error instanceof Error) ||
    !/SQLITE|unable to open|readonly|disk|locked/i.test(`${error.message} ${(error as { code?: string }).code}`)
  )
    return error;
  return problem(
    "CONFIG_INVALID",
    `Cannot open "${path}": ${error.message}`,
    "Check the folder's permissions and its disk, or set TIDEGATE_STATE_DIR",
    error,
  );
}

import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Target } from "../../core/contract/driver.ts";
import { diagnose, diagnoseWrite } from "./diagnose.ts";
import { fileUrl } from "./file.ts";
import { refusal } from "./refusal.ts";

/** Where a database header says how it may be read: 2 is WAL. https://sqlite.org/fileformat2.html#file_format_version_numbers */
const walFlag = 19;
const knownOptions = ["busy_timeout", "create"];

/** Opens the file a target names, and reads from it once: SQLite itself looks at a file only when it is used. */
export function openDatabase({ location, options }: Target, readOnly: boolean): DatabaseSync {
  const unknown = Object.keys(options).find((name) => !knownOptions.includes(name));
  if (unknown !== undefined) {
    throw refusal({
      code: "INPUT_INVALID",
      message: `Option "${unknown}" is unknown for SQLite`,
      hint: `Use one of: ${knownOptions.join(", ")}`,
    });
  }
  const settings = { readOnly, timeout: busyMillis(options.busy_timeout), allowExtension: false, readBigInts: true, returnArrays: true };
  if (location === ":memory:") return touched(new DatabaseSync(location, settings), readOnly);
  const create = !readOnly && options.create === "true";
  checkPath(location, create);
  // The mode is in the URL because `readOnly: false` alone would make a file that is not there.
  const open = (query: string) => touched(new DatabaseSync(fileUrl(location, query), settings), readOnly);
  try {
    return open(`mode=${readOnly ? "ro" : create ? "rwc" : "rw"}`);
  } catch (error) {
    if (!readOnly || !lacksLog(error, location)) throw explained(error, location, readOnly);
    return open("mode=ro&immutable=1");
  }
}

/**
 * A WAL database makes files beside it even to be read. Where that is not allowed and there is no
 * log to read either, nobody is writing, and the file may be taken as it is.
 */
function lacksLog(error: unknown, location: string): boolean {
  if (!/unable to open database|readonly database/.test(String(error)) || existsSync(`${location}-wal`)) return false;
  const header = new Uint8Array(walFlag + 1);
  let file: number | undefined;
  try {
    file = openSync(location, "r");
    return readSync(file, header, 0, header.length, 0) === header.length && header[walFlag] === 2;
  } catch {
    // A file that cannot be read has no better error than the engine's.
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function busyMillis(option = "5000"): number {
  const millis = Number(option);
  if (/^\d+$/.test(option) && millis <= 2 ** 31 - 1) return millis;
  throw refusal({
    code: "INPUT_INVALID",
    message: `Option "busy_timeout" is "${option}": a number of milliseconds is expected`,
    hint: "Write, for example, busy_timeout=5000",
  });
}

function checkPath(location: string, create: boolean): void {
  const found = permitted(location, () => statSync(location, { throwIfNoEntry: false }));
  if (found?.isDirectory()) {
    throw refusal({
      code: "INPUT_INVALID",
      message: `"${location}" is a folder, not a SQLite database`,
      hint: "Name a database file in it",
    });
  }
  if (found === undefined && !create) {
    const hint = 'Check the path; to make a new database, open it for writing with "?create=true"';
    throw refusal({ code: "NOT_FOUND", message: `There is no database file "${location}"`, hint });
  }
  if (found !== undefined) permitted(location, () => accessSync(location, constants.R_OK));
}

/** The engine only says that it cannot open a file, not that this user may not. */
function permitted<Found>(location: string, look: () => Found): Found {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const denied = code === "EACCES" || code === "EPERM";
    const message = `Cannot read "${location}": ${denied ? "permission denied" : `the path cannot be followed (${code})`}`;
    const hint = denied ? "Run as a user who may read the file and enter the folders above it" : "Check the path";
    throw refusal({ code: "CONNECTION_FAILED", message, hint, retryable: false }, error);
  }
}

/** Newer than the types: https://nodejs.org/api/sqlite.html#databaseenabledefensiveactive */
interface Defensive {
  enableDefensive(active: boolean): void;
}

function touched(database: DatabaseSync, readOnly: boolean): DatabaseSync {
  try {
    (database as DatabaseSync & Defensive).enableDefensive(true);
    if (readOnly) database.exec("pragma query_only = 1");
    database.prepare("select count(*) from sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What only opening can tell: nothing was written yet, so a refused write was the engine's own. */
function explained(error: unknown, location: string, readOnly: boolean): unknown {
  const denied = readOnly ? undefined : diagnoseWrite(error);
  if (denied !== undefined) return refusal(denied, error);
  const diagnosis = diagnose(error);
  if (diagnosis?.code === "INPUT_INVALID") return refusal({ ...diagnosis, message: `"${location}" is not a SQLite database` }, error);
  if (diagnosis?.code !== "POLICY_DENIED") return error;
  const message = `Cannot read "${location}": an interrupted write must be undone first, and the connection is read-only`;
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Open it once with a program that may write", retryable: false }, error);
}

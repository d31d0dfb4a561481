import { pathToFileURL } from "node:url";
import { diagnose, diagnoseWrite } from "../diagnose.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../engine-error.ts";
import { type Facts, factsOf, factsSql } from "../facts.ts";
import { refusal } from "../refusal.ts";
import type { LocalPlace } from "../target/place.ts";
import { createLocalEngine } from "./engine.ts";
import { checkPath } from "./file.ts";
import type { Native, NativeDatabase } from "./native.ts";
import { openFollowing, syncReplica } from "./replica.ts";
import { createStatements } from "./statements.ts";

/** Opens a file, and reads from it once: the engine itself looks at a file only when it is used. */
export async function openLocal(native: Native, place: LocalPlace, readOnly: boolean): Promise<Engine> {
  const { path, replica, create } = place;
  if (path !== ":memory:") checkPath(path, replica !== undefined || (create && !readOnly));
  // What a reader sees is brought here first; then it reads the file as a file, because a replica's own connection would send writes on.
  if (replica !== undefined && readOnly) await syncReplica(native, place, replica);
  const reopen = () => touched(native, place, readOnly);
  return createLocalEngine({ native, place, readOnly, reopen, ...(await reopen()) });
}

/** An open file, and what its engine tells of itself. */
export interface OpenFile {
  readonly database: NativeDatabase;
  readonly facts: Facts;
}

async function touched(native: Native, place: LocalPlace, readOnly: boolean): Promise<OpenFile> {
  let database: NativeDatabase | undefined;
  try {
    database = await openFile(native, place, readOnly);
    const { all } = createStatements(native, database);
    if (readOnly) all("pragma query_only = 1");
    all("select count(*) from sqlite_schema");
    return { database, facts: factsOf(all(factsSql)) };
  } catch (error) {
    if (database !== undefined) native.databaseClose.call(database);
    throw explained(error, place.path, readOnly);
  }
}

async function openFile(native: Native, place: LocalPlace, readOnly: boolean): Promise<NativeDatabase> {
  const { path, create, replica, busyMillis, encryptionKey } = place;
  if (replica !== undefined && !readOnly) return openFollowing(native, place, replica);
  const url = pathToFileURL(path);
  url.search = `mode=${readOnly ? "ro" : create ? "rwc" : "rw"}`;
  const where = path === ":memory:" ? path : url.href;
  return native.databaseOpen(where, "", "aes256cbc", encryptionKey?.reveal() ?? "", busyMillis, "");
}

/** What only opening can tell: nothing was written yet, so a refused write was the engine's own. */
function explained(error: unknown, path: string, readOnly: boolean): unknown {
  // Not an error of SQLite's own, but of the library around it: it could not open the file.
  if (error instanceof Error && /^ConnectionFailed\(/.test(error.message)) {
    const message = `Cannot open "${path}"`;
    const hint = "Check that the file can be read, and that its folder is writable when the database uses WAL";
    return refusal({ code: "CONNECTION_FAILED", message, hint, retryable: false }, error);
  }
  if (!isEngineError(error)) return error;
  const denied = readOnly ? undefined : diagnoseWrite(error);
  if (denied !== undefined) return refusal(denied, error);
  const diagnosis = diagnose(error);
  if (diagnosis?.code === "INPUT_INVALID") {
    const hint = "Check the path; an encrypted database needs the option encryptionKey, and the right one";
    return refusal({ ...diagnosis, message: `"${path}" is not a libSQL database, or it is encrypted`, hint }, error);
  }
  if (diagnosis?.code !== "POLICY_DENIED") return error;
  const message = `Cannot read "${path}": an interrupted write must be undone first, and the connection is read-only`;
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Open it once with a program that may write", retryable: false }, error);
}

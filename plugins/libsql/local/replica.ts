import { pathToFileURL } from "node:url";
import { refusal } from "../refusal.ts";
import { openRemote } from "../remote/open.ts";
import type { LocalPlace, Replica } from "../target/place.ts";
import type { Native, NativeDatabase } from "./native.ts";
import { createStatements } from "./statements.ts";

const lockMillis = 60_000;

/** Opens an embedded replica whose writes go to its server. */
export async function openFollowing(native: Native, place: LocalPlace, replica: Replica): Promise<NativeDatabase> {
  try {
    return locked(native, place, () => followed(native, place, replica));
  } catch (error) {
    throw await explained(error, replica);
  }
}

/** Brings an embedded replica's file up to date with its server. */
export async function syncReplica(native: Native, place: LocalPlace, replica: Replica): Promise<void> {
  native.databaseClose.call(await openFollowing(native, place, replica));
}

function followed(native: Native, { path, encryptionKey }: LocalPlace, { url, token }: Replica): NativeDatabase {
  let database: NativeDatabase | undefined;
  try {
    const key = encryptionKey?.reveal() ?? "";
    database = native.databaseOpenWithSync(path, url, token?.reveal() ?? "", "aes256cbc", key, 0, true, false, "");
    native.databaseSyncSync.call(database);
    return database;
  } catch (error) {
    if (database !== undefined) native.databaseClose.call(database);
    throw error;
  }
}

/** Two processes that write one replica at once would spoil it, and each connection has a process. The lock is one of the engine's own: it ends with its holder. */
function locked<Result>(native: Native, { path }: LocalPlace, work: () => Result): Result {
  const url = pathToFileURL(`${path}-tidegate`);
  url.search = "mode=rwc";
  const lock = native.databaseOpen(url.href, "", "aes256cbc", "", lockMillis, "");
  const { run } = createStatements(native, lock);
  try {
    run("begin exclusive");
    return work();
  } finally {
    if (native.databaseInTransaction(lock)) run("rollback");
    native.databaseClose.call(lock);
  }
}

/** The library says that it got no answer, whatever the reason was; asking the server in another way tells the reason. */
async function explained(error: unknown, { url, token }: Replica): Promise<unknown> {
  const server = await openRemote({ kind: "remote", url, ...(token && { token }) }, true, new AbortController().signal);
  await server.close();
  const { host } = new URL(url);
  const message = `Cannot bring the replica up to date with "${host}"`;
  const hint = "Check that the file is a replica of this server; to begin again, remove it and the files beside it";
  return refusal({ code: "CONNECTION_FAILED", message, hint }, error);
}

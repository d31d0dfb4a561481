import { open, realpath, stat } from "node:fs/promises";
import { problem } from "../problem.ts";
import { diskProblem } from "./disk-problem.ts";

/** What databases keep beside a file of theirs; another content there would be taken for unfinished work. */
const beside = /(?:-wal|-shm|-journal|\.wal)$/;

/**
 * Refuses a path that is, whatever it is called, a file of a connection or a database of any kind.
 * @throws FORBIDDEN
 */
export async function refuseSources(path: string, present: boolean, sources: () => Promise<readonly string[]>): Promise<void> {
  const owner = path.replace(beside, "");
  if (!present && owner === path) return;
  const own = await Promise.all([path, owner].map(identity));
  for (const source of await sources()) {
    const found = await identity(source);
    if (found !== undefined && own.includes(found)) throw refused(path, "it belongs to a connection");
  }
  if (present && (await isDatabase(path))) throw refused(path, "it is a database");
}

function refused(path: string, why: string) {
  return problem("FORBIDDEN", `Cannot replace "${path}": ${why}`, "Choose another name");
}

/** The same for every name and link of one file. */
async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined); // What cannot be seen is no file of ours.
  // Some file systems number no files: there the real path tells.
  return found && (found.ino === 0n ? realpath(path) : `${found.dev}:${found.ino}`);
}

/** SQLite writes its name first, DuckDB after a checksum of eight bytes. */
async function isDatabase(path: string): Promise<boolean> {
  await using file = await open(path, "r").catch(diskProblem(path));
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
  const header = buffer.toString("latin1", 0, bytesRead);
  return header === "SQLite format 3\0" || header.startsWith("DUCK", 8);
}

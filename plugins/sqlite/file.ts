import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { HeldFile } from "../../core/contract/driver.ts";

/** The file at a path as it is now; `undefined` when there is none within reach. */
export function fileAt(path: string): HeldFile | undefined {
  if (path === ":memory:") return undefined;
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { path, identity: `${dev}:${ino}` };
  } catch {
    // Opening it says why.
    return undefined;
  }
}

export function fileUrl(path: string, query: string): URL {
  const url = pathToFileURL(path);
  url.search = query;
  return url;
}

/**
 * A reader of a WAL database leaves an empty log and its index behind. The last connection that may
 * write removes them when it closes, under SQLite's own locks and not while anyone else is there.
 */
export function removeEmptyLog({ path, identity }: HeldFile): void {
  try {
    if (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size !== 0 || fileAt(path)?.identity !== identity) return;
    const database = new DatabaseSync(fileUrl(path, "mode=rw"), { timeout: 0, allowExtension: false });
    try {
      database.prepare("select count(*) from sqlite_schema").get();
    } finally {
      database.close();
    }
  } catch {
    // In use, or not ours to write: the files stay, as they do after every other reader.
  }
}

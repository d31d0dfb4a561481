import { randomUUID } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** A temporary file or folder whose maker no longer runs may be taken over or removed after this, even when it was another machine's. */
const abandonedMillis = 24 * 3_600_000;

const host = hostname().replace(/[^\w.-]/g, "_");

/** A name nobody else uses, which tells who made it: `.<kind>~<host>~<pid>~<random>`. Folders that begin with a dot are not plugins. */
export function ownedName(kind: string): string {
  return `.${kind}~${host}~${process.pid}~${randomUUID().slice(0, 8)}`;
}

/** What stopped processes left of one kind (all kinds when it is empty). */
export function abandoned(folder: string, kind = ""): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(`.${kind}`) && name.split("~").length === 4);
  return names.map((name) => join(folder, name)).filter(isAbandoned);
}

function isAbandoned(path: string): boolean {
  const [maker, pid] = path.split("~").slice(-3);
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return age > abandonedMillis || (maker === host && !isRunning(Number(pid)));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

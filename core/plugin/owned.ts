import { randomUUID } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** After this a temporary file or folder is abandoned, even when another machine made it, and an interrupted download not worth continuing. */
const abandonedMillis = 24 * 3_600_000;

const host = hostname().replace(/[^\w.-]/g, "_");

/** A name nobody else uses, which tells who made it: `.<kind>~<host>~<pid>~<random>`. Folders that begin with a dot are not plugins. */
export function ownedName(kind: string): string {
  return `.${kind}~${host}~${process.pid}~${randomUUID().slice(0, 8)}`;
}

/** What stopped processes left of one kind. */
export function abandoned(folder: string, kind: string): string[] {
  return owned(folder, kind).filter((path) => {
    const [maker, pid] = path.split("~").slice(-3);
    return isOld(path) || (maker === host && !isRunning(Number(pid)));
  });
}

/** What has been left of one kind for so long that nobody comes back for it. */
export function forgotten(folder: string, kind: string): string[] {
  return owned(folder, kind).filter(isOld);
}

function owned(folder: string, kind: string): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(`.${kind}`) && name.split("~").length === 4);
  return names.map((name) => join(folder, name));
}

function isOld(path: string): boolean {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > abandonedMillis;
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

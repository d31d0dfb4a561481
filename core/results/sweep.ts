import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Catalogue } from "./catalogue.ts";

/** What a process has just written and not yet entered is younger than this. */
const settledMillis = 60_000;
/** How long is remembered what there was. */
const rememberedMillis = 30 * 86_400_000;

/** Removes results that have expired, files nobody knows, and what killed processes began; says how many results, and bytes. */
export async function sweep(
  catalogue: Catalogue,
  folder: string,
  now: number,
): Promise<{ readonly results: number; readonly bytes: number }> {
  const removed = { results: 0, bytes: 0 };
  for (const { id, bytes, expires } of catalogue.kept()) {
    if (expires > now || !catalogue.drop(id, "expired")) continue;
    await rm(join(folder, `${id}.duckdb`), { force: true });
    removed.results++;
    removed.bytes += bytes;
  }
  const known = new Set(catalogue.kept().map(({ id }) => `${id}.duckdb`));
  for (const name of await readdir(folder)) {
    if (known.has(name) || !/^[0-9a-f]{24}\.duckdb/.test(name) || !(await isLeft(join(folder, name), now))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
  catalogue.forget({ before: now - rememberedMillis });
  return removed;
}

/** Nobody is at work on it. */
async function isLeft(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || now - found.mtimeMs < settledMillis) return false;
  const pid = Number(/\.part-(\d+)-/.exec(path)?.[1] ?? 0);
  return pid === 0 || !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

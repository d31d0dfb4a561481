import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, matchesGlob, relative, sep } from "node:path";
import { problem } from "../problem.ts";
import { diskProblem } from "./disk-problem.ts";
import { readMeta } from "./meta.ts";

/** What databases keep beside a file of theirs; another content there would be taken for unfinished work. */
const beside = /(?:-wal|-shm|-journal|\.wal)$/;
/** Those of them that a database reads into itself. */
const unfinished = ["-wal", "-journal", ".wal"];

/**
 * Refuses a path that is, whatever it is called, a file of a connection, or a database other than one that was exported and is
 * still the same, or that has a database's unfinished work beside it.
 * @throws FORBIDDEN
 */
export async function refuseSources(path: string, present: boolean, sources: () => Promise<readonly string[]>): Promise<void> {
  const owner = path.replace(beside, "");
  if (!present && owner === path) return refuseUnfinished(path);
  const own = await Promise.all([path, owner].map(identity));
  for (const source of await sources()) {
    const found = await identity(source);
    if (found !== undefined && own.includes(found)) throw refused(path, "it belongs to a connection");
  }
  await refuseUnfinished(path);
  // Whatever an export wrote, and nobody changed, can be written again.
  if (present && (await isDatabase(path)) && !(await isExported(path))) throw refused(path, "it is a database");
}

async function refuseUnfinished(path: string): Promise<void> {
  for (const ending of unfinished) {
    const found = await stat(path + ending).catch(() => undefined); // What cannot be seen cannot be read in either.
    if (found?.isFile() && found.size > 0) throw refused(path, `unfinished work of a database is beside it, in "${path + ending}"`);
  }
}

/** True as long as a file has the bytes that an export wrote, by the note beside it. */
async function isExported(path: string): Promise<boolean> {
  const meta = await readMeta(`${path}.meta.json`);
  if (meta === undefined || meta.files !== undefined || (await stat(path)).size !== meta.bytes) return false;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex") === meta.sha256;
}

/**
 * Refuses a folder in which there is a file of a connection.
 * @throws FORBIDDEN
 */
export async function refuseSourcesIn(folder: string, sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    const inside = relative(folder, await real(source));
    if (inside === "" || !(inside === ".." || inside.startsWith(`..${sep}`))) throw refused(folder, `"${source}" belongs to a connection`);
  }
}

/**
 * Refuses a path that one of these patterns matches: rows that are written there would be read again.
 * @throws FORBIDDEN
 */
export async function refuseReadBack(path: string, readFrom: readonly string[]): Promise<void> {
  for (const pattern of readFrom.filter((source) => /[*?[{]/.test(source))) {
    // What is there under that very name is a file and no pattern.
    const isFile = (await stat(pattern).catch(() => undefined)) !== undefined;
    if (isFile || !matchesGlob(await real(path), await realPattern(pattern))) continue;
    throw problem(
      "FORBIDDEN",
      `Cannot write "${path}": the statement reads "${pattern}", which would read that file as well from then on`,
      "Choose another folder, or a name the pattern does not match",
    );
  }
}

/** The path free of links, as far as it exists. */
async function real(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  const parent = dirname(path);
  return found ?? (parent === path ? path : join(await real(parent), basename(path)));
}

/** The pattern with the folders before its first wildcard free of links. */
async function realPattern(pattern: string): Promise<string> {
  const parts = pattern.split(/[/\\]/);
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  return join(await real(parts.slice(0, first).join(sep) || sep), ...parts.slice(first));
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

import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { AuditPlace } from "./audit.ts";
import { line, link, parts, root } from "./chain.ts";
import type { AnyRecord } from "./record.ts";

/** A file of the audit that this process alone writes. */
export interface AuditFile {
  readonly chain: string;
  readonly bytes: number;
  /** Records since the last checkpoint. */
  readonly unsigned: number;
  /** Appends one line, whole or not at all. */
  write(record: AnyRecord): void;
  flush(): void;
  close(): void;
}

/** Goes on with the newest file that is free and not full, or begins one. */
export function openAuditFile({ folder, keepMillis, maxFileBytes, version }: AuditPlace, now: Date): AuditFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const newest = namesIn(folder).at(-1);
  if (newest !== undefined && statSync(join(folder, newest)).size < maxFileBytes && lock(folder, newest)) {
    const end = endOf(join(folder, newest));
    if (end !== undefined) return createFile(folder, newest, end);
    rmSync(lockOf(folder, newest), { force: true });
  }
  const retired = retire(folder, keepMillis, now);
  const time = now.toISOString();
  const name = `${time.replaceAll(":", "")}-${process.pid}-${Math.random().toString(36).slice(2, 8)}.jsonl`;
  const heads = headsIn(folder);
  lock(folder, name);
  const file = createFile(folder, name, { chain: root(name), bytes: 0 });
  file.write({ type: "open", time, pid: process.pid, version, heads, ...(retired.length > 0 && { retired }) });
  return file;
}

interface End {
  readonly chain: string;
  readonly bytes: number;
}

function createFile(folder: string, name: string, from: End): AuditFile {
  const file = openSync(join(folder, name), "a", 0o600);
  let { chain, bytes } = from;
  let unsigned = 0;
  return {
    get chain() {
      return chain;
    },
    get bytes() {
      return bytes;
    },
    get unsigned() {
      return unsigned;
    },
    write(record) {
      const text = JSON.stringify(record);
      const next = link(chain, text);
      const encoded = Buffer.from(line(next, text));
      try {
        for (let written = 0; written < encoded.length; ) written += writeSync(file, encoded, written);
      } catch (error) {
        // Half a line would end the chain for good.
        ftruncateSync(file, bytes);
        throw error;
      }
      chain = next;
      bytes += encoded.length;
      unsigned = record.type === "checkpoint" ? 0 : unsigned + 1;
    },
    flush: () => fsyncSync(file),
    close() {
      closeSync(file);
      rmSync(lockOf(folder, name), { force: true });
    },
  };
}

/** The end of a file that ends with a whole line; of another one nothing can be continued. */
function endOf(path: string): End | undefined {
  const { text, size } = tailOf(path);
  const chain = text.endsWith("\n") ? lastLink(text) : undefined;
  return chain === undefined ? undefined : { chain, bytes: size };
}

const tailBytes = 1024 * 1024;

/** The last megabyte is more than the longest record. */
function tailOf(path: string): { readonly text: string; readonly size: number } {
  const { size } = statSync(path);
  const bytes = Buffer.alloc(Math.min(size, tailBytes));
  const file = openSync(path, "r");
  try {
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
  } finally {
    closeSync(file);
  }
  return { text: bytes.toString("utf8"), size };
}

/** The link of the last whole line. */
function lastLink(text: string): string | undefined {
  const end = text.lastIndexOf("\n");
  return end === -1 ? undefined : parts(text.slice(text.lastIndexOf("\n", end - 1) + 1, end))?.chain;
}

const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .sort();

/** The last link of every file, by its name. */
function headsIn(folder: string): Record<string, string> {
  return Object.fromEntries(namesIn(folder).map((name) => [name, lastLink(tailOf(join(folder, name)).text) ?? root(name)]));
}

const lockOf = (folder: string, name: string): string => join(folder, `${name}.lock`);

/** Of a process that is gone the lock is taken over. */
function lock(folder: string, name: string): boolean {
  const path = lockOf(folder, name);
  for (const last of [false, true]) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (last || isAlive(path)) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}

function isAlive(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // A lock that was made this moment may still be empty.
    if (!Number.isSafeInteger(pid) || pid <= 0) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EPERM" || (code === "ENOENT" && existsSync(path));
  }
}

/** Deletes files that are too old, by the time in their names. */
function retire(folder: string, keepMillis: number, now: Date): string[] {
  const oldest = new Date(now.getTime() - keepMillis).toISOString().replaceAll(":", "");
  const old = namesIn(folder).filter((name) => name < oldest && !isAliveLock(folder, name));
  for (const name of old) rmSync(join(folder, name));
  return old;
}

const isAliveLock = (folder: string, name: string): boolean => existsSync(lockOf(folder, name)) && isAlive(lockOf(folder, name));

import { createHash, randomUUID } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";

/** One native file inside the binary, and what it must be once unpacked. */
export interface NativeFile {
  readonly name: string;
  /** Where the binary shows the zstd-compressed bytes. */
  readonly packed: string;
  readonly bytes: number;
  readonly sha256: string;
}

const stampName = "stamp.json";

/**
 * Makes `folder` hold every file, byte for byte. Costs two `stat` calls when nothing changed since the last time.
 * Any number of processes may do this at once: each file appears whole, by a rename.
 */
export function unpack(folder: string, files: readonly NativeFile[]): void {
  const stamp = describe(folder, files);
  if (stamp !== undefined && stamp === readStamp(folder)) return;
  for (const file of files) {
    if (!isIntact(join(folder, file.name), file)) replace(join(folder, file.name), file);
  }
  removeLeftovers(folder);
  writeStamp(folder, describe(folder, files));
}

/** Size and time of every file as one text; `undefined` when a file is missing or is not a plain file. */
function describe(folder: string, files: readonly NativeFile[]): string | undefined {
  const facts = files.map((file) => lstatSync(join(folder, file.name), { throwIfNoEntry: false, bigint: true }));
  if (!facts.every((fact) => fact?.isFile())) return undefined;
  return JSON.stringify(facts.map((fact) => [fact?.size, fact?.mtimeNs].map(String)));
}

function isIntact(path: string, { bytes, sha256 }: NativeFile): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true && facts.size === bytes && digest(readFileSync(path)) === sha256;
}

function replace(path: string, file: NativeFile): void {
  const content = zstdDecompressSync(readFileSync(file.packed));
  if (digest(content) !== file.sha256) throw new Error(`the copy of ${file.name} inside the program is damaged`);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o700, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    // Windows refuses to replace a library in use; then another process has put the right one there.
    if (!isIntact(path, file)) throw error;
  }
}

/** What a process that was killed while unpacking left behind; an hour is far longer than unpacking takes. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".tmp"))) {
    const facts = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (facts && Date.now() - facts.mtimeMs > 3_600_000) rmSync(join(folder, name), { force: true });
  }
}

function readStamp(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, stampName), "utf8");
  } catch {
    return undefined;
  }
}

function writeStamp(folder: string, stamp: string | undefined): void {
  if (stamp === undefined) return;
  const temporary = join(folder, `${stampName}.${randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, stamp, { mode: 0o600, flag: "wx" });
    renameSync(temporary, join(folder, stampName));
  } catch {
    // Without a stamp the next start hashes the files again: slower, never wrong. A read-only cache ends here every time.
    rmSync(temporary, { force: true });
  }
}

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

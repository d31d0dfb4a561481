import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { problem } from "../../problem.ts";
import { type PluginEntry, type PluginIndex, readIndex } from "../catalogue.ts";
import { onDisk } from "../disk.ts";
import { signerOf } from "../trust.ts";
import type { Packed } from "./pack.ts";
import { type SigningKey, signatureOf } from "./signing.ts";

/**
 * Adds archives to a registry's folder, which is made when it is not there, and signs its index anew. Another build of
 * a version that is there is refused unless `overwrite`: whoever pinned that version could no longer have it.
 * @throws CONFLICT, also when the index there was signed by another key: a signature vouches for every entry
 */
export function publish(folder: string, packed: readonly Packed[], key: SigningKey, overwrite = false): PluginIndex {
  onDisk({ failed: `Cannot make "${folder}"` }, () => mkdirSync(folder, { recursive: true }));
  const before = indexOf(folder, key);
  const entries = packed.map(({ entry }) => entry);
  const changed = before?.plugins.find((old) => entries.some((entry) => isSame(old, entry) && old.sha256 !== entry.sha256));
  if (changed !== undefined && !overwrite) {
    throw problem(
      "CONFLICT",
      `The registry "${folder}" has another ${changed.name} ${changed.version} already`,
      'Raise "version" in about.json, or add --overwrite if nobody has installed it yet',
    );
  }
  for (const { entry, archive } of packed) put(folder, entry.file, archive);
  const others = before?.plugins.filter((old) => !entries.some((entry) => isSame(old, entry))) ?? [];
  const serial = Math.max((before?.serial ?? 0) + 1, Math.floor(Date.now() / 1000));
  return writeIndex(folder, [...others, ...entries], serial, key);
}

/** Writes `index.json` and its signature; cut short, it leaves an index that is signed all the same. The serial number is its time in seconds, too. */
export function writeIndex(folder: string, plugins: readonly PluginEntry[], serial: number, key: SigningKey): PluginIndex {
  const index: PluginIndex = { schema: 1, serial, created: new Date(serial * 1000).toISOString(), plugins };
  const bytes = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
  const signature = signatureOf(bytes, key);
  const former = readFile(join(folder, "index.json.sig")) ?? "";
  put(folder, "index.json.sig", Buffer.from(`${former}${signature}`));
  put(folder, "index.json", bytes);
  put(folder, "index.json.sig", Buffer.from(signature));
  return index;
}

/** The index that is there, provided this key signed it; `undefined` when there is none. */
function indexOf(folder: string, { name, key }: SigningKey): PluginIndex | undefined {
  const bytes = readFile(join(folder, "index.json"));
  if (bytes === undefined) return undefined;
  const signatures = readFile(join(folder, "index.json.sig"))?.toString() ?? "";
  if (signerOf(bytes, signatures, [{ name, key: createPublicKey(key) }]) !== undefined) return readIndex(bytes);
  throw problem(
    "CONFLICT",
    `The registry "${folder}" was not signed by this key, or was changed since`,
    "Use the key that signed it, or another folder",
  );
}

function isSame(a: PluginEntry, b: PluginEntry): boolean {
  return a.name === b.name && a.version === b.version && a.platform === b.platform;
}

function readFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** In one step, so that a server never sends half of it. */
function put(folder: string, name: string, bytes: Uint8Array): void {
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  onDisk({ failed: `Cannot publish into "${folder}"` }, () => {
    try {
      writeFileSync(temporary, bytes);
      renameSync(temporary, join(folder, name));
    } finally {
      rmSync(temporary, { force: true });
    }
  });
}

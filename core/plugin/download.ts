import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Problem, problem } from "../problem.ts";
import type { PluginEntry } from "./catalogue.ts";
import { abandoned, ownedName } from "./owned.ts";
import { retrying } from "./retry.ts";
import type { Source } from "./source.ts";
import { brief } from "./unpack.ts";

/** What a download may report to and be stopped by. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (done: number, total: number) => void;
}

/**
 * Gets an archive into `folder`, continuing what an interrupted download left, and checks its size and hash.
 * Whoever calls removes the file. @throws PLUGIN_INVALID saying what differs
 */
export async function download(source: Source, entry: PluginEntry, folder: string, options: DownloadOptions): Promise<string> {
  const path = join(folder, ownedName(`part-${entry.sha256}`));
  const continued = takeOver(folder, entry, path);
  try {
    await receive(source, entry, path, options);
    if (continued && (await hashOf(path)) !== entry.sha256) {
      rmSync(path);
      await receive(source, entry, path, options);
    }
    await check(path, entry);
    return path;
  } catch (error) {
    // Only a download that the network stopped is worth continuing.
    if (!(error instanceof Problem) || error.code !== "CONNECTION_FAILED") rmSync(path, { force: true });
    throw error;
  }
}

function takeOver(folder: string, entry: PluginEntry, path: string): boolean {
  return abandoned(folder, `part-${entry.sha256}`).some((left) => {
    try {
      renameSync(left, path);
      return true;
    } catch {
      return false; // Another process was faster.
    }
  });
}

async function receive(source: Source, entry: PluginEntry, path: string, { signal, onBytes }: DownloadOptions): Promise<void> {
  await retrying(async () => {
    let length = sizeOf(path);
    if (length > entry.size) rmSync(path);
    if (length === entry.size) return;
    const { from, bytes } = await source.open(entry.file, length > entry.size ? 0 : length, signal);
    length = from;
    const counted = async function* () {
      for await (const piece of bytes) {
        length += piece.length;
        if (length > entry.size) throw differs(entry, `it has more than the ${entry.size} bytes the index says`);
        onBytes?.(length, entry.size);
        yield piece;
      }
    };
    await pipeline(counted, createWriteStream(path, { flags: from === 0 ? "w" : "a", mode: 0o600 }), { signal });
    if (length < entry.size) throw ended(source, entry, length);
  }, signal);
}

async function check(path: string, entry: PluginEntry): Promise<void> {
  const found = await hashOf(path);
  if (found !== entry.sha256) throw differs(entry, `it has sha256 ${brief(found)}, the index says ${brief(entry.sha256)}`);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function differs({ file }: PluginEntry, why: string): Problem {
  return problem(
    "PLUGIN_INVALID",
    `The archive "${file}" is not the one that was published: ${why}`,
    "Try again, or report it to whoever runs the registry",
  );
}

function ended({ location }: Source, { file, size }: PluginEntry, length: number): Problem {
  const why = `it ended after ${length} of ${size} bytes`;
  return problem(
    "CONNECTION_FAILED",
    `Cannot get "${file}" from ${location}: ${why}`,
    "Run the command again: it continues where it stopped",
  );
}

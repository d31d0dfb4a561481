import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { PluginEntry } from "./catalogue.ts";
import { diskProblem, onDisk } from "./disk.ts";
import { type DownloadOptions, download } from "./download.ts";
import { abandoned, forgotten, ownedName } from "./owned.ts";
import type { Source } from "./source.ts";
import { unpackPlugin } from "./unpack.ts";

const variable = "TIDEGATE_PLUGINS_FOLDER";

/** What is known of an installed plugin besides its manifest: where it came from. Kept as `receipt.json` beside it. */
export interface Receipt {
  readonly name: string;
  readonly version: string;
  readonly platform: string;
  readonly sha256: string;
  readonly manifest: string;
  readonly registry: string;
  readonly signer: string;
}

/** One archive of a registry that was checked, by whom it was signed, and where it lies. */
export interface Offer {
  readonly entry: PluginEntry;
  readonly signer: string;
  readonly source: Source;
}

/**
 * Downloads, checks and unpacks a plugin beside the others, and puts it into its place in one step. Several processes
 * may do this at once; one that is killed leaves nothing that would be loaded.
 */
export async function install({ entry, signer, source }: Offer, folder: string, options: DownloadOptions): Promise<void> {
  const incoming = join(folder, ownedName("incoming"));
  let archive: string | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    sweep(folder);
    archive = await download(source, entry, folder, options);
    mkdirSync(incoming);
    await unpackPlugin(archive, incoming, entry);
    const { name, version, platform, sha256, manifest } = entry;
    const receipt: Receipt = { name, version, platform, sha256, manifest, registry: source.location, signer };
    writeFileSync(join(incoming, "receipt.json"), `${JSON.stringify(receipt, null, 2)}\n`);
    chmodSync(incoming, 0o755);
    options.signal.throwIfAborted();
    replace(folder, name, incoming);
  } catch (error) {
    throw diskProblem(error, { failed: `Cannot install into "${folder}"`, variable });
  } finally {
    if (archive !== undefined) rmSync(archive, { force: true });
    rmSync(incoming, { recursive: true, force: true });
  }
}

/** Takes a plugin away. False when there is none of that name. */
export function remove(name: string, folder: string): boolean {
  const place = join(folder, name);
  if (!existsSync(place)) return false;
  const leaving = join(folder, ownedName("leaving"));
  onDisk({ failed: `Cannot remove "${name}" from "${folder}"` }, () => {
    renameSync(place, leaving);
    rmSync(leaving, { recursive: true, force: true });
  });
  return true;
}

/** Where an installed plugin came from; `undefined` when somebody put it there by hand. */
export function readReceipt(folder: string): Receipt | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "receipt.json"), "utf8")) as Receipt;
  } catch {
    return undefined;
  }
}

/** A folder cannot be renamed over a full one, so the old one steps aside first. Of several processes the last one wins. */
function replace(folder: string, name: string, incoming: string): void {
  const place = join(folder, name);
  const aside: string[] = [];
  try {
    while (!moved(incoming, place)) {
      const previous = join(folder, ownedName(`previous-${name}`));
      if (moved(place, previous)) aside.push(previous);
    }
  } catch (error) {
    const [previous] = aside.splice(-1);
    if (previous !== undefined && !existsSync(place)) renameSync(previous, place);
    throw error;
  } finally {
    for (const previous of aside) rmSync(previous, { recursive: true, force: true });
  }
}

/** False when something is in the way, or another process has moved it. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && existsSync(dirname(to)) && basename(from).startsWith(".")) throw error;
    if (code === "ENOENT" || existsSync(to)) return false;
    throw error;
  }
}

/** Removes what killed processes left. An old plugin that had stepped aside for one that never came goes back first. */
function sweep(folder: string): void {
  for (const left of abandoned(folder, "previous-")) {
    const name = /\.previous-([a-z0-9-]+)~[^/\\]*$/.exec(left)?.[1];
    try {
      if (name !== undefined && !readdirSync(folder).includes(name)) renameSync(left, join(folder, name));
    } catch {
      // Another process sweeps as well.
    }
    rmSync(left, { recursive: true, force: true });
  }
  const useless = [...abandoned(folder, "incoming"), ...abandoned(folder, "leaving"), ...forgotten(folder, "part-")];
  for (const left of useless) rmSync(left, { recursive: true, force: true });
}

import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Config } from "../core/config/config.ts";
import type { PluginNeeds } from "../core/contract/plugin.ts";
import type { DownloadOptions } from "../core/plugin/download.ts";
import type { Offer } from "../core/plugin/install.ts";
import { builtInKeys } from "../core/plugin/keys.ts";
import { readLock } from "../core/plugin/lock.ts";
import { createObtain, type Obtain } from "../core/plugin/obtain.ts";
import { createRegistryIndex, type RegistryIndex } from "../core/plugin/signed-index.ts";
import { sourceAt } from "../core/plugin/source.ts";
import { readKeys } from "../core/plugin/trust.ts";
import type { Io } from "./io.ts";

/** The registry that was named, or the configured one, with the keys it may be signed with. */
export function registryOf(config: Config, io: Io, named?: string): RegistryIndex {
  const location = named === undefined ? config.plugins.registry : /^[a-z]+:\/\//i.test(named) ? named : resolve(io.cwd, named);
  return createRegistryIndex({
    source: sourceAt(location),
    keys: readKeys(`${builtInKeys} ${config.plugins.keys}`),
    folder: join(config.folders.data, "registries"),
    note: io.note,
  });
}

/** Where the lock file belongs: beside the project's configuration, or, outside a project, here. */
export function lockFolder(config: Config, io: Io): string {
  return projectFolder(config) ?? io.cwd;
}

/** The folder of the project's configuration, or of the one that was named; `undefined` when there is none but the user's own. */
export function projectFolder({ files, folders }: Config): string | undefined {
  return files.map(dirname).find((folder) => folder !== folders.config);
}

/** What fetches a missing driver: silently where the configuration or `--yes` allows it, else by asking whoever sits there. */
export function obtainFor(config: Config, io: Io, asks: boolean): Obtain {
  const watched = asks && io.lively && io.stdin.isTTY === true;
  return createObtain({
    registry: registryOf(config, io),
    folder: config.plugins.folder,
    auto: config.plugins.auto,
    ...(watched && { ask: (offer: Offer) => ask(offer, io) }),
    lock: readLock(lockFolder(config, io)),
    options: downloadOptions(io),
    note: io.note,
  });
}

async function ask({ entry, signer }: Offer, io: Io): Promise<boolean> {
  io.note(`No installed driver reads this target. ${entry.title} needs: ${needsText(entry.needs)}`);
  const lines = createInterface({ input: io.stdin, output: process.stderr });
  try {
    const question = `Install ${entry.name} ${entry.version}, ${sizeText(entry.size)}, signed by ${signer}? [Y/n] `;
    return /^(y|yes)?$/i.test((await lines.question(question, { signal: io.signal })).trim());
  } finally {
    lines.close();
  }
}

/** Draws a bar where somebody watches. */
export function downloadOptions(io: Io): DownloadOptions {
  const width = 24;
  return {
    signal: io.signal,
    onBytes(done, total) {
      const share = done / total;
      const bar = "█".repeat(Math.round(share * width)).padEnd(width, "░");
      io.redraw(done === total ? "" : `${bar} ${Math.floor(share * 100)} %  ${sizeText(done)} of ${sizeText(total)}`);
    },
  };
}

export function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `network, env (PGHOST, PGPORT)`, or `nothing`. */
export function needsText(needs: PluginNeeds): string {
  const parts = Object.entries(needs).filter(([, need]) => need !== false);
  const shown = parts.map(([name, need]) => (need === true ? name : `${name} (${typeof need === "object" ? need.join(", ") : need})`));
  return shown.join(", ") || "nothing";
}

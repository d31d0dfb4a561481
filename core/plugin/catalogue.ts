import type { PluginNeeds } from "../contract/plugin.ts";
import { didYouMean, type Problem, problem } from "../problem.ts";
import { contractVersion, platform } from "./manifest.ts";
import { compareChoices } from "./version.ts";

/** One archive of a registry. */
export interface PluginEntry {
  readonly name: string;
  readonly version: string;
  readonly contract: number;
  readonly platform: string;
  readonly schemes: readonly string[];
  /** The archive's name in the registry's folder. */
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  /** sha256 of the `manifest.json` inside, so that what is installed can be held against the signature. */
  readonly manifest: string;
  readonly needs: PluginNeeds;
  readonly title: string;
}

/** `index.json` of a registry. */
export interface PluginIndex {
  readonly schema: 1;
  /** Rises with every change: a lower one than was seen before is an old index played back. */
  readonly serial: number;
  readonly created: string;
  readonly plugins: readonly PluginEntry[];
}

/** Reads an index whose signature was checked. @throws PLUGIN_INVALID naming what is wrong */
export function readIndex(bytes: Uint8Array): PluginIndex {
  let index: Partial<PluginIndex> | null;
  try {
    index = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unreadable("is not JSON", cause);
  }
  if (index?.schema !== 1) throw unreadable(`has schema ${JSON.stringify(index?.schema)}, wanted 1`);
  if (!Number.isSafeInteger(index.serial)) throw unreadable("has no serial number");
  if (!Array.isArray(index.plugins)) throw unreadable('lacks "plugins"');
  for (const entry of index.plugins) checkEntry(entry);
  return index as PluginIndex;
}

const shapes: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isPluginName,
  version: isVersion,
  contract: Number.isSafeInteger,
  platform: (value) => typeof value === "string" && /^[\w-]+$/.test(value),
  schemes: (value) => Array.isArray(value) && value.every((scheme) => typeof scheme === "string"),
  file: (value) => typeof value === "string" && /^\w[\w.+-]*$/.test(value),
  size: Number.isSafeInteger,
  sha256: isHash,
  manifest: isHash,
  needs: (value) => typeof value === "object" && value !== null,
  title: (value) => typeof value === "string",
};

function checkEntry(entry: Readonly<Record<string, unknown>>): void {
  const wrong = Object.entries(shapes).find(([key, fits]) => !fits(entry?.[key]));
  if (wrong !== undefined) throw unreadable(`has an entry "${entry?.name}" with a wrong "${wrong[0]}"`);
}

/** A plugin's name is also its folder's: nothing that leads elsewhere or hides. */
export function isPluginName(value: unknown): value is string {
  return typeof value === "string" && /^[a-z][a-z0-9-]{0,63}$/.test(value);
}

export function isVersion(value: unknown): value is string {
  return typeof value === "string" && /^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(value);
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/**
 * The newest archive of a plugin that runs here; one before a release only when its version is named, or there is no release.
 * @throws NOT_FOUND with near names or the versions there are, PLUGIN_INVALID when none is for this machine or this tidegate
 */
export function chooseEntry(index: PluginIndex, name: string, version?: string): PluginEntry {
  const named = index.plugins.filter((entry) => entry.name === name);
  if (named.length === 0) {
    const names = index.plugins.map((entry) => entry.name);
    throw problem("NOT_FOUND", `No plugin is called "${name}"`, didYouMean(name, names) ?? "List what there is: tidegate plugin search");
  }
  const wanted = named.filter((entry) => version === undefined || entry.version === version);
  if (wanted.length === 0) {
    const versions = listed(named.map((entry) => entry.version));
    throw problem("NOT_FOUND", `Plugin "${name}" has no version ${version} in the registry`, `Use one of: ${versions}`);
  }
  const speaking = wanted.filter((entry) => entry.contract === contractVersion);
  if (speaking.length === 0) throw wrongContract(name, wanted);
  const [best] = speaking.filter(runsHere).sort((a, b) => compareChoices(b.version, a.version));
  if (best === undefined) throw wrongPlatform(name, speaking);
  return best;
}

/** The plugin that serves a URL scheme and runs here, if the index has one. */
export function entryForScheme(index: PluginIndex, scheme: string): PluginEntry | undefined {
  const name = index.plugins.find((entry) => entry.schemes.includes(scheme) && entry.contract === contractVersion && runsHere(entry))?.name;
  return name === undefined ? undefined : chooseEntry(index, name);
}

/** The version of each plugin that is chosen where none is named, that runs here, or of any that does not. */
export function newestEntries(index: PluginIndex): PluginEntry[] {
  const newest = new Map<string, PluginEntry>();
  const order = (a: PluginEntry, b: PluginEntry) =>
    Number(runsHere(a)) - Number(runsHere(b)) || compareChoices(a.version, b.version) || (a.platform < b.platform ? 1 : -1);
  for (const entry of [...index.plugins].sort(order)) newest.set(entry.name, entry);
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function runsHere(entry: PluginEntry): boolean {
  return entry.platform === "any" || entry.platform === platform();
}

function wrongContract(name: string, entries: readonly PluginEntry[]): Problem {
  const contracts = listed(entries.map((entry) => String(entry.contract)));
  return problem(
    "PLUGIN_INVALID",
    `Cannot install "${name}": it speaks contract ${contracts}, this tidegate speaks ${contractVersion}`,
    "Install another version of tidegate, or name a version of the plugin as name@version",
  );
}

function wrongPlatform(name: string, entries: readonly PluginEntry[]): Problem {
  return problem(
    "PLUGIN_INVALID",
    `Cannot install "${name}": it is built for ${listed(entries.map((entry) => entry.platform))}, this machine is ${platform()}`,
    "Ask its author for a build for this machine, or use a machine it is built for",
  );
}

function listed(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}

function unreadable(why: string, cause?: unknown): Problem {
  return problem("PLUGIN_INVALID", `Cannot read the registry's index.json: it ${why}`, "Update tidegate, or name another registry", cause);
}

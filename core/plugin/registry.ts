import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Driver } from "../contract/driver.ts";
import type { Activate, Contribution, Host } from "../contract/plugin.ts";
import { asProblem, problem } from "../problem.ts";
import { activate } from "./activate.ts";
import { checkFits, contractVersion, readManifest, verifyFiles } from "./manifest.ts";
import type { Obtain } from "./obtain.ts";

/** Plugins compiled into the binary, by name; imported on first use. */
export type BundledPlugins = Readonly<Record<string, () => Promise<{ readonly default: Activate }>>>;

/** A driver and the plugin it came from: a bundled name, or an installed plugin's folder. */
export interface LoadedDriver {
  readonly driver: Driver;
  readonly plugin: string;
}

export interface Registry {
  /** Every bundled driver, and those installed ones that serve one of `schemes`. A plugin that cannot be loaded says why on connect. */
  drivers(schemes: Iterable<string>): Promise<readonly LoadedDriver[]>;
  /** Loads one driver again, as a child process must. @throws PLUGIN_INVALID */
  driver(plugin: string, name: string): Promise<Driver>;
  /** What is in the plugin folder, with the reason where one cannot be loaded. */
  installed(): readonly {
    readonly folder: string;
    readonly name: string;
    readonly version?: string;
    readonly schemes: readonly string[];
    readonly error?: string;
  }[];
}

export function createRegistry(deps: {
  readonly bundled: BundledPlugins;
  readonly folder: string;
  readonly log: Host["log"];
  /** Asked for schemes that no plugin serves; without it they stay unknown. */
  readonly obtain?: Obtain;
}): Registry {
  const loaded = new Map<string, Promise<Contribution>>();
  const once = (plugin: string, load: () => Promise<Contribution>) => {
    const found = loaded.get(plugin) ?? load();
    loaded.set(plugin, found);
    return found;
  };
  const contribution = (plugin: string): Promise<Contribution> => {
    const bundled = deps.bundled[plugin];
    return once(plugin, () =>
      bundled === undefined ? loadInstalled(plugin, deps.log) : activate(bundled, plugin, { contract: contractVersion, log: deps.log }),
    );
  };
  const driversOf = async (plugin: string): Promise<LoadedDriver[]> =>
    ((await contribution(plugin)).drivers ?? []).map((driver) => ({ driver, plugin }));
  /** A plugin that cannot be loaded still owns its schemes: whoever asks for one is told why. */
  const installedDrivers = (folder: string): Promise<LoadedDriver[]> =>
    driversOf(folder).catch((error) => [{ plugin: folder, driver: brokenDriver(basename(folder), describe(folder).schemes, error) }]);

  return {
    async drivers(schemes) {
      const bundled = (await Promise.all(Object.keys(deps.bundled).map(driversOf))).flat();
      const known = new Set(bundled.flatMap(({ driver }) => driver.schemes));
      const missing = [...new Set(schemes)].filter((scheme) => !known.has(scheme));
      if (missing.length === 0) return bundled;
      const refused = await obtainAbsent(missing, deps.folder, deps.obtain);
      const folders = pluginFolders(deps.folder).filter((folder) => serves(folder, missing));
      return [...bundled, ...(await Promise.all(folders.map(installedDrivers))).flat(), ...refused];
    },
    async driver(plugin, name) {
      const found = (await driversOf(plugin)).find(({ driver }) => driver.name === name);
      if (found === undefined) throw problem("PLUGIN_INVALID", `Plugin "${plugin}" offers no driver "${name}"`, "Install the plugin again");
      return found.driver;
    },
    installed: () => pluginFolders(deps.folder).map(describe),
  };
}

/** One after the other, because a person may be asked. What cannot be had says why when it is connected to. */
async function obtainAbsent(schemes: readonly string[], folder: string, obtain: Obtain = async () => false): Promise<LoadedDriver[]> {
  const refused: LoadedDriver[] = [];
  for (const scheme of schemes) {
    if (pluginFolders(folder).some((found) => serves(found, [scheme]))) continue;
    await obtain(scheme).catch((error) => refused.push({ plugin: "", driver: brokenDriver(scheme, [scheme], error) }));
  }
  return refused;
}

async function loadInstalled(folder: string, log: Host["log"]): Promise<Contribution> {
  const manifest = readManifest(folder);
  checkFits(folder, manifest);
  verifyFiles(folder, manifest);
  const entry = pathToFileURL(join(folder, manifest.entry)).href;
  return activate(() => import(entry), manifest.name, { contract: contractVersion, folder, log });
}

function brokenDriver(name: string, schemes: readonly string[], error: unknown): Driver {
  const reported = asProblem(error);
  return {
    name,
    schemes,
    facts: { title: name, identifierQuote: '"' },
    connect: () => Promise.reject(reported),
    diagnose: () => undefined,
  };
}

function pluginFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => join(folder, entry.name));
}

function serves(folder: string, schemes: readonly string[]): boolean {
  return describe(folder).schemes.some((scheme) => schemes.includes(scheme));
}

function describe(folder: string): ReturnType<Registry["installed"]>[number] {
  let schemes: readonly string[] = [];
  try {
    const manifest = readManifest(folder);
    schemes = manifest.schemes;
    checkFits(folder, manifest);
    return { folder, name: manifest.name, version: manifest.version, schemes };
  } catch (error) {
    return { folder, name: basename(folder), schemes, error: asProblem(error).message };
  }
}

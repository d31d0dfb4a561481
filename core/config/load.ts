import type { Config, Layer, Origin } from "./config.ts";
import { environmentLayer, environmentWarnings } from "./environment.ts";
import { findConfigFiles } from "./find.ts";
import { type Flags, flagLayer } from "./flags.ts";
import { type Environment, type Folders, resolveFolders } from "./folders.ts";
import { placedSettings, type ResolvedSettings, resolvedKey, type Setting, type SettingValue } from "./settings.ts";

/**
 * Reads the configuration: flags over environment over project file over user file over defaults.
 * The schema and the YAML parser are loaded only when there is a file to read.
 * @throws CONFIG_INVALID for a file or variable, INPUT_INVALID for a flag.
 */
export async function loadConfig(from: {
  readonly cwd: string;
  readonly env: Environment;
  /** Stands in for both files. */
  readonly configPath?: string | undefined;
  readonly flags?: Flags;
}): Promise<Config> {
  const { cwd, env, flags = {} } = from;
  const folders = resolveFolders(env, cwd);
  const files = findConfigFiles({ cwd, env, folders, named: from.configPath ?? env.TIDEGATE_CONFIG });
  const place = { folder: cwd, home: folders.home };
  const layers: Layer[] = [];
  if (files.length > 0) {
    const { readFileLayer } = await import("./file.ts");
    for (const file of files) layers.push(readFileLayer(file, env, folders));
  }
  layers.push(environmentLayer(env, place), flagLayer(flags, place));
  return { ...merge(layers, folders), folders, files: files.map(({ path }) => path).reverse(), warnings: environmentWarnings(env) };
}

/** Later layers win, setting by setting; a connection is taken whole, so that no file opens the gate of another file's connection. */
function merge(layers: readonly Layer[], folders: Folders): Omit<Config, "folders" | "files" | "warnings"> {
  const written = new Map(layers.flatMap((layer) => [...layer.settings]));
  const connections = new Map(layers.flatMap((layer) => [...layer.connections]));
  const sections: Record<string, Record<string, SettingValue>> = {};
  const origins: (readonly [string, Origin])[] = [];
  for (const { section, key, path, setting } of placedSettings) {
    const { value, origin } = written.get(path) ?? { value: fallback(setting, folders), origin: { from: "default" } };
    sections[section] = { ...sections[section], [resolvedKey(key, setting)]: value };
    origins.push([path, origin]);
  }
  for (const [name, entry] of connections)
    origins.push(...[...entry.origins].map(([key, origin]) => [`connections.${name}.${key}`, origin] as const));
  return {
    // Every section and key of the table was just written, under the names that the type derives from it.
    ...(sections as unknown as ResolvedSettings),
    connections: bare([...connections].map(([name, { connection }]) => [name, connection])),
    origins: bare(origins),
  };
}

function fallback(setting: Setting, folders: Folders): SettingValue {
  if (setting.kind !== "folder") return setting.read(setting.fallback) ?? setting.fallback;
  return String(setting.fallback).replace(/^<(data|state)>/, (_, name: "data" | "state") => folders[name]);
}

/** Without a prototype, so that no connection called "constructor" exists by itself. */
function bare<Value>(entries: readonly (readonly [string, Value])[]): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

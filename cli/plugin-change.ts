import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../core/config/config.ts";
import { chooseEntry, type PluginEntry, type PluginIndex } from "../core/plugin/catalogue.ts";
import { install, readReceipt, remove } from "../core/plugin/install.ts";
import { changeLock, lockFile, pinned, pinnedEntry, readLock, withPin } from "../core/plugin/lock.ts";
import type { RegistryIndex, SignedIndex } from "../core/plugin/signed-index.ts";
import { compareVersions } from "../core/plugin/version.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { configOf } from "./open.ts";
import type { PluginOptions } from "./plugin.ts";
import { downloadOptions, lockFolder, needsText, projectFolder, registryOf, sizeText } from "./plugin-registry.ts";
import { notInstalled, print } from "./plugin-show.ts";

/** One run of a command that installs. */
interface Run {
  readonly config: Config;
  readonly io: Io;
  readonly registry: RegistryIndex;
  readonly signed: SignedIndex;
}

export async function add(wanted: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const run = await begin(options, context, options.registry);
  // All names are looked up before anything changes.
  const entries = wanted.map((text) => {
    const [name = "", version] = text.split("@", 2);
    return chooseEntry(run.signed.index, name, version);
  });
  await put(entries, run, options);
  await pin(entries, run);
}

export async function update(names: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const run = await begin(options, context, options.registry);
  const { createRegistry } = await import("../core/plugin/registry.ts");
  const installed = createRegistry({ bundled: {}, folder: run.config.plugins.folder, log: () => undefined }).installed();
  const absent = names.find((name) => !installed.some((plugin) => plugin.name === name));
  if (absent !== undefined) throw notInstalled(absent);
  const chosen = installed.filter(({ name }) =>
    names.length === 0 ? run.signed.index.plugins.some((entry) => entry.name === name) : names.includes(name),
  );
  const newest = chosen.map(({ name, version, error }) => {
    const entry = chooseEntry(run.signed.index, name);
    const newer = error !== undefined || version === undefined || compareVersions(entry.version, version) > 0;
    return newer ? entry : undefined;
  });
  const entries = newest.filter((entry) => entry !== undefined);
  if (entries.length === 0 && options.format === "text") run.io.note("Every plugin is the newest there is");
  await put(entries, run, options);
  await pin(entries, run);
}

export async function take(names: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const absent = names.find((name) => !/^[a-z0-9][\w-]*$/i.test(name) || !existsSync(join(config.plugins.folder, name)));
  if (absent !== undefined) throw notInstalled(absent);
  const folder = lockFolder(config, io);
  for (const name of names) {
    remove(name, config.plugins.folder);
    if (readLock(folder)?.plugins[name] !== undefined) await changeLock(folder, (lock) => withPin(lock, name, undefined), io.signal);
  }
  await print(
    names.map((name) => ({ name, text: "removed" })),
    options,
    io,
  );
}

export async function sync(_: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const config = await configOf(options, context);
  const folder = lockFolder(config, context.io);
  const lock = readLock(folder);
  if (lock === undefined) {
    throw problem(
      "NOT_FOUND",
      `There is no ${lockFile} in ${folder}`,
      "Install the plugins of this project in a folder with a tidegate.yaml",
    );
  }
  const run = await begin(options, context, options.offline ?? options.registry);
  await put(
    Object.entries(lock.plugins).map(([name, pin]) => pinnedEntry(run.signed.index, name, pin)),
    run,
    options,
  );
}

async function begin(options: PluginOptions, context: CommandContext, place: string | undefined): Promise<Run> {
  const { io } = context;
  const config = await configOf(options, context);
  const registry = registryOf(config, io, place);
  return { config, io, registry, signed: await registry.read(io.signal) };
}

/** Installs what is not there yet, exactly as the index has it. */
async function put(entries: readonly PluginEntry[], { config, io, registry, signed }: Run, options: PluginOptions): Promise<void> {
  const { signer } = signed;
  const changes = [];
  for (const entry of entries) {
    const { name, version, title, size, sha256, needs } = entry;
    const there = readReceipt(join(config.plugins.folder, name));
    const same = there?.sha256 === sha256 && (await isIntact(join(config.plugins.folder, name), signed.index));
    if (!same) {
      io.note(`${title} ${version}, ${sizeText(size)}, signed by ${signer}; needs: ${needsText(needs)}`);
      await install({ entry, signer, source: registry.source }, config.plugins.folder, downloadOptions(io));
    }
    changes.push({ name, version, changed: !same, text: same ? `${version} is already installed` : `${version} installed` });
  }
  await print(changes, options, io);
}

/** A plugin whose files or manifest were changed is installed again, although its receipt says it is there. */
async function isIntact(folder: string, index: PluginIndex): Promise<boolean> {
  const { checkInstalled } = await import("../core/plugin/intact.ts");
  try {
    checkInstalled(folder, index);
    return true;
  } catch {
    return false;
  }
}

/** A project's lock follows what its people install; elsewhere there is none. */
async function pin(entries: readonly PluginEntry[], { config, io, signed }: Run): Promise<void> {
  const folder = lockFolder(config, io);
  if (projectFolder(config) === undefined && readLock(folder) === undefined) return;
  for (const entry of entries) await changeLock(folder, (lock) => pinned(lock, signed.index, entry), io.signal);
}

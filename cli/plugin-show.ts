import { basename, join } from "node:path";
import { newestEntries, type PluginEntry, runsHere } from "../core/plugin/catalogue.ts";
import { readReceipt } from "../core/plugin/install.ts";
import { checkInstalled } from "../core/plugin/intact.ts";
import { createRegistry } from "../core/plugin/registry.ts";
import { asProblem, didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { configOf } from "./open.ts";
import type { PluginOptions } from "./plugin.ts";
import { needsText, registryOf, sizeText } from "./plugin-registry.ts";

/** What `list` says of one plugin. */
interface Listed {
  readonly name: string;
  readonly version: string;
  readonly schemes: readonly string[];
  readonly from: string;
  readonly folder?: string;
  readonly error?: string;
}

export async function list(_: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const registry = createRegistry({ bundled: context.bundled, folder: config.plugins.folder, log: () => undefined });
  const bundled = await registry.drivers([]);
  const listed: Listed[] = [
    ...bundled.map(({ driver, plugin }) => ({ name: plugin, version: io.version, schemes: driver.schemes, from: "built in" })),
    ...registry.installed().map(({ folder, name, version = "?", schemes, error }) => {
      const receipt = readReceipt(folder);
      const from = receipt === undefined ? "put there by hand" : `signed by ${receipt.signer}`;
      return { name, version, schemes, from, folder, ...(error !== undefined && { error }) };
    }),
  ];
  if (options.format === "json") return io.out(json(listed));
  await io.out(rows(listed.map(({ name, version, schemes, from, error }) => [name, version, schemes.join(", "), error ?? from])));
}

export async function search(words: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const { index } = await registryOf(await configOf(options, context), io, options.registry).read(io.signal);
  const text = ({ name, title, schemes }: PluginEntry) => `${name} ${title} ${schemes.join(" ")}`.toLowerCase();
  const found = newestEntries(index).filter((entry) => words.every((word) => text(entry).includes(word.toLowerCase())));
  if (found.length === 0) {
    const names = index.plugins.map(({ name }) => name);
    const near = didYouMean(words.join(" "), names);
    throw problem("NOT_FOUND", `No plugin matches "${words.join(" ")}"`, near ?? "List all of them: tidegate plugin search");
  }
  if (options.format === "json") return io.out(json(found));
  const place = (entry: PluginEntry) => (runsHere(entry) ? sizeText(entry.size) : `not for this machine (${entry.platform})`);
  await io.out(rows(found.map((entry) => [entry.name, entry.version, entry.title, entry.schemes.join(", "), place(entry)])));
}

export async function info(names: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const registry = registryOf(config, io, options.registry);
  const { index, signer } = await registry.read(io.signal);
  const about = names.map((name) => {
    const builds = index.plugins.filter((entry) => entry.name === name);
    const newest = newestEntries(index).find((entry) => entry.name === name);
    if (newest === undefined) {
      const near = didYouMean(
        name,
        index.plugins.map((entry) => entry.name),
      );
      throw problem("NOT_FOUND", `No plugin is called "${name}"`, near ?? "List what there is: tidegate plugin search");
    }
    const installed = readReceipt(join(config.plugins.folder, name))?.version;
    const builtFor = builds.filter(({ version }) => version === newest.version).map(({ platform }) => platform);
    const versions = [...new Set(builds.map(({ version }) => version))];
    return { ...newest, registry: registry.source.location, signer, versions, builtFor, ...(installed !== undefined && { installed }) };
  });
  if (options.format === "json") return io.out(json(about));
  await io.out(
    about
      .map((entry) =>
        rows([
          ["name", entry.name],
          ["title", entry.title],
          ["version", `${entry.version}${entry.versions.length > 1 ? ` (all: ${entry.versions.join(", ")})` : ""}`],
          ["installed", entry.installed ?? "no"],
          ["serves", entry.schemes.map((scheme) => `${scheme}:`).join(", ")],
          ["needs", needsText(entry.needs)],
          ["built for", entry.builtFor.join(", ")],
          ["size", sizeText(entry.size)],
          ["sha256", entry.sha256],
          ["registry", entry.registry],
          ["signed by", entry.signer],
        ]),
      )
      .join("\n"),
  );
}

/** Compares with the index last seen from where each plugin came from, so that it works without a network. */
export async function verify(names: readonly string[], options: PluginOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const registry = createRegistry({ bundled: context.bundled, folder: config.plugins.folder, log: () => undefined });
  const installed = registry
    .installed()
    .filter(({ name, folder }) => names.length === 0 || names.includes(name) || names.includes(basename(folder)));
  const absent = names.find((name) => !installed.some(({ name: found, folder }) => found === name || basename(folder) === name));
  if (absent !== undefined) throw notInstalled(absent);
  const findings = installed.map(({ folder, name }) => {
    try {
      const place = options.registry ?? readReceipt(folder)?.registry;
      return { name, ok: true, text: checkInstalled(folder, registryOf(config, io, place).remembered()?.index) };
    } catch (error) {
      return { name, ok: false, text: asProblem(error).message };
    }
  });
  await io.out(options.format === "json" ? json(findings) : rows(findings.map(({ name, ok, text }) => [ok ? " " : "!", name, text])));
  const bad = findings.filter(({ ok }) => !ok).map(({ name }) => name);
  if (bad.length > 0) {
    throw problem(
      "PLUGIN_INVALID",
      `${bad.length} of ${findings.length} plugins are not as they were published: ${bad.join(", ")}`,
      `Install it again: tidegate plugin install ${bad.join(" ")}`,
    );
  }
  if (findings.length === 0) io.note("No plugin is installed");
}

export function notInstalled(name: string) {
  return problem("NOT_FOUND", `Plugin "${name}" is not installed`, "List what is: tidegate plugin list");
}

export async function print(
  changes: readonly { readonly name: string; readonly text: string; readonly [more: string]: unknown }[],
  options: PluginOptions,
  io: Io,
): Promise<void> {
  await io.out(options.format === "json" ? json(changes) : rows(changes.map(({ name, text }) => [name, text])));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function rows(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

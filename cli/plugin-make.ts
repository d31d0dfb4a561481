import { basename, resolve } from "node:path";
import { readAbout } from "../core/plugin/author/about.ts";
import { pack as packBuild, packInPlace, readBuilds } from "../core/plugin/author/pack.ts";
import { publish } from "../core/plugin/author/publish.ts";
import { scaffold } from "../core/plugin/author/scaffold.ts";
import { makeKey, publicText, readKey } from "../core/plugin/author/signing.ts";
import { isPluginName } from "../core/plugin/catalogue.ts";
import { createRegistry } from "../core/plugin/registry.ts";
import { wellKnownSchemes } from "../core/plugin/schemes.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configOf } from "./open.ts";
import type { PluginOptions } from "./plugin.ts";
import { registryOf, sizeText } from "./plugin-registry.ts";
import { print } from "./plugin-show.ts";

type MakeOptions = PluginOptions & {
  readonly folder?: string;
  readonly key?: string;
  readonly overwrite?: boolean;
  readonly name?: string;
};

export async function create([name = ""]: readonly string[], options: MakeOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  if (!isPluginName(name) || name.length < 2) {
    const wanted = "wanted two or more small letters, digits and hyphens, a letter first";
    throw problem("INPUT_INVALID", `Cannot call a plugin "${name}": ${wanted}`, "For example: tidegate plugin new mydb");
  }
  const taken = (await takenNames(options, context)).get(name);
  if (taken !== undefined) {
    throw problem("CONFLICT", `Cannot call a plugin "${name}": ${taken}`, `Choose another name: tidegate plugin new my-${name}`);
  }
  const shown = options.folder ?? `./${name}`;
  const files = await scaffold(name, resolve(io.cwd, shown));
  await print([{ name, folder: shown, files, text: `${files.length} files in ${shown}` }], options, io);
  io.note(`\nNext:\n  tidegate plugin test ${shown}\n  less ${shown}/README.md`);
}

/** Names and schemes that already lead to a driver, and to which: a second one would be out of reach. */
async function takenNames(options: PluginOptions, context: CommandContext): Promise<Map<string, string>> {
  const config = await configOf(options, context);
  const registry = createRegistry({ bundled: context.bundled, folder: config.plugins.folder, log: () => undefined });
  const bundled = await registry.drivers([]);
  const known = registryOf(config, context.io).remembered()?.index.plugins ?? [];
  return new Map([
    ...known.flatMap(({ name, schemes }) => [name, ...schemes].map((word) => [word, "the registry has one"] as const)),
    ...Object.entries(wellKnownSchemes).flatMap((words) => words.map((word) => [word, "it is the name of a known driver"] as const)),
    ...registry.installed().flatMap(({ name, schemes }) => [name, ...schemes].map((word) => [word, "one is installed"] as const)),
    ...bundled.flatMap(({ driver, plugin }) => [plugin, ...driver.schemes].map((word) => [word, "it is built in"] as const)),
  ]);
}

export async function pack([shown = ""]: readonly string[], options: MakeOptions, { io }: CommandContext): Promise<void> {
  const folder = resolve(io.cwd, shown);
  const about = readAbout(folder);
  const { name, version } = about;
  if (options.registry === undefined) {
    if (options.key !== undefined)
      throw problem("INPUT_INVALID", "A folder is not signed, a registry is", "Add --registry <folder>, or leave --key out");
    const { files } = packInPlace(folder, about);
    return print([{ name, version, text: `${version} can be loaded: ${Object.keys(files).length} files in manifest.json` }], options, io);
  }
  if (options.key === undefined) {
    throw problem(
      "INPUT_INVALID",
      "A registry is signed, and no key is named",
      "Make one: tidegate plugin key signing.pem, and add --key signing.pem",
    );
  }
  const key = readKey(resolve(io.cwd, options.key), keyName(options));
  const packed = readBuilds(folder, about).map((build) => packBuild(about, build));
  publish(resolve(io.cwd, options.registry), packed, key, options.overwrite);
  await print(
    packed.map(({ entry }) => ({ ...entry, text: `${version}  ${entry.file}  ${sizeText(entry.size)}, signed by ${publicText(key)}` })),
    options,
    io,
  );
}

export async function key([file = ""]: readonly string[], options: MakeOptions, { io }: CommandContext): Promise<void> {
  const name = options.name ?? keyName({ ...options, key: file });
  if (!/^[\w.@-]+$/.test(name)) {
    throw problem("INPUT_INVALID", `Cannot call a key "${name}": wanted letters, digits and . @ - _`, "Correct --name");
  }
  const path = resolve(io.cwd, file);
  if (makeKey(path)) io.note(`Made ${file}. Whoever has it can sign for you: keep it to yourself, and keep a copy.`);
  const text = publicText(readKey(path, name));
  await io.out(options.format === "json" ? `${JSON.stringify({ key: text })}\n` : `${text}\n`);
}

/** As it may stand in `plugins.keys`. */
function keyName({ key = "" }: MakeOptions): string {
  return (
    basename(key)
      .replace(/\.[^.]*$/, "")
      .replace(/[^\w.@-]+/g, "-") || "signer"
  );
}

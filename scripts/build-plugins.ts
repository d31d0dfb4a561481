import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { type About, readAbout } from "../core/plugin/author/about.ts";
import { type Build, pack } from "../core/plugin/author/pack.ts";
import { writeIndex } from "../core/plugin/author/publish.ts";
import { publicText } from "../core/plugin/author/signing.ts";
import type { PluginEntry } from "../core/plugin/catalogue.ts";
import { filesOf, serialOf } from "./pack-plugin.ts";
import { givenKey, signingKey } from "./signing.ts";
import { root } from "./targets.ts";

const out = join(root, "dist", "plugins");

const usage = `Usage: npm run build:plugins [-- names... --platform NAME | -- --public-key]

Builds the plugins under plugins/ that have an about.json (all of them, or those named) into ${relative(root, out)}, which is a whole
registry: any static file host can serve it, and "tidegate plugin install NAME --registry FOLDER" installs from it.
Native code for other platforms comes from the npm registry, as bun.lock pins it; --platform, which may be repeated, packs for some only.
With --public-key it builds nothing, and prints the public part of TIDEGATE_SIGNING_KEY, which a release's binaries must trust.

TIDEGATE_SIGNING_KEY   ed25519 key that signs the index: PEM text, or the path of it (default: a key of this clone's own)
TIDEGATE_SIGNING_NAME  who people are told has signed (default: tidegate)
SOURCE_DATE_EPOCH      the index's serial number and time, in seconds (default: now)`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      platform: { type: "string", multiple: true },
      "public-key": { type: "boolean" },
    },
    allowPositionals: true,
  });
  if (values.help) return console.log(usage);
  if (values["public-key"]) return printPublicKey();
  const names = readdirSync(join(root, "plugins")).filter((name) => existsSync(join(root, "plugins", name, "about.json")));
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`No plugin to pack is called ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  mkdirSync(out, { recursive: true });
  const serial = Number(process.env.SOURCE_DATE_EPOCH ?? Math.max(serialOf(out) + 1, Math.floor(Date.now() / 1000)));
  for (const name of readdirSync(out).filter((name) => name.endsWith(".tgz"))) rmSync(join(out, name));
  const entries: PluginEntry[] = [];
  for (const name of positionals.length > 0 ? positionals : names.sort()) {
    entries.push(...(await build(join(root, "plugins", name), values.platform)));
  }
  const key = signingKey();
  writeIndex(out, entries, serial, key);
  for (const { file, size } of entries) console.log(`${relative(root, join(out, file))}  ${(size / 1000).toFixed(0)} KB`);
  console.log(`${relative(root, join(out, "index.json"))}  serial ${serial}, signed by ${publicText(key)}`);
}

/** A release must not be signed by a key that was invented on the way. */
function printPublicKey(): void {
  const given = givenKey();
  if (given === undefined) throw new Error("TIDEGATE_SIGNING_KEY is not set: a release needs the key that signs its plugins");
  console.log(publicText(given));
}

async function build(folder: string, wanted: readonly string[] | undefined): Promise<PluginEntry[]> {
  const about = readAbout(folder);
  const platforms = Object.keys(about.natives ?? { any: {} }).filter((name) => name === "any" || (wanted?.includes(name) ?? true));
  const packed: PluginEntry[] = [];
  for (const platform of platforms) packed.push(write(about, { platform, files: await filesOf(folder, about, platform) }));
  return packed;
}

function write(about: About, build: Build): PluginEntry {
  const { entry, archive } = pack(about, build);
  writeFileSync(join(out, entry.file), archive);
  return entry;
}

await main();

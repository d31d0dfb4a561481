import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "fflate";
import type { Manifest } from "../../contract/plugin.ts";
import { problem } from "../../problem.ts";
import type { PluginEntry } from "../catalogue.ts";
import { onDisk } from "../disk.ts";
import { contractVersion, platform } from "../manifest.ts";
import { type About, aboutFile } from "./about.ts";
import { tar } from "./archive.ts";
import { checkImports } from "./imports.ts";

/** The files of a plugin for one platform, by their place in the archive. */
export interface Build {
  readonly platform: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** An archive and what an index says of it. */
export interface Packed {
  readonly entry: PluginEntry;
  readonly archive: Uint8Array;
}

/** Reads what belongs to a plugin in its folder, for each platform it names. @throws PLUGIN_INVALID naming a file that is missing, there or in the list */
export function readBuilds(folder: string, about: About): Build[] {
  const paths = new Set([entryOf(about), ...(about.files ?? [])]);
  const own = [...paths].map((path) => [path, path] as const);
  checkImports(folder, paths);
  return Object.entries(about.natives ?? { any: {} }).map(([platform, natives]) => ({
    platform,
    files: new Map([...own, ...Object.entries(natives)].map(([place, path]) => [place, read(folder, path)])),
  }));
}

/** Writes `manifest.json` beside a plugin's files, so that the folder can be loaded as it stands. @throws PLUGIN_INVALID */
export function packInPlace(folder: string, about: About): Manifest {
  const build = readBuilds(folder, about).find((one) => [platform(), "any"].includes(one.platform));
  if (build === undefined) {
    const names = Object.keys(about.natives ?? {}).join(", ");
    throw problem(
      "PLUGIN_INVALID",
      `"${about.name}" is built for ${names}, this machine is ${platform()}`,
      `Add ${platform()} to "natives"`,
    );
  }
  const manifest = manifestOf(about, build);
  onDisk({ failed: `Cannot pack "${folder}"` }, () => writeFileSync(join(folder, "manifest.json"), text(manifest)));
  return manifest;
}

/** The archive of one platform: the same bytes from the same input, wherever it is packed. `change` is laid over its manifest. */
export function pack(about: About, build: Build, change: Partial<Manifest> = {}): Packed {
  const manifest = { ...manifestOf(about, build), ...change };
  const { name, version, schemes, needs, title = name } = about;
  const head = Buffer.from(text(manifest));
  const files = [{ name: "manifest.json", content: head }, ...sorted(build).map(([path, content]) => ({ name: path, content }))];
  // fflate, because the zlib of each runtime and processor compresses a little differently.
  const archive = gzipSync(tar(files, 0), { level: 9, mtime: 0 });
  const file = `${name}-${version}-${build.platform}.tgz`;
  const sums = { size: archive.length, sha256: digest(archive), manifest: digest(head) };
  return { archive, entry: { name, version, contract: manifest.contract, platform: build.platform, schemes, file, ...sums, needs, title } };
}

function manifestOf(about: About, build: Build): Manifest {
  const { name, version, schemes, needs, title = name, contract = contractVersion } = about;
  const files = Object.fromEntries(sorted(build).map(([path, content]) => [path, { sha256: digest(content), size: content.length }]));
  return { schema: 1, name, version, title, contract, platform: build.platform, schemes, needs, entry: entryOf(about), files };
}

export function entryOf({ entry = "index.js" }: About): string {
  return entry;
}

function sorted({ files }: Build): [string, Uint8Array][] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1));
}

function read(folder: string, path: string): Uint8Array {
  try {
    return readFileSync(join(folder, path));
  } catch (cause) {
    throw problem(
      "PLUGIN_INVALID",
      `Cannot read "${path}" in "${folder}", which ${aboutFile} names`,
      `Make the file, or correct ${aboutFile}`,
      cause,
    );
  }
}

function text(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

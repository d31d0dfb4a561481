import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "fflate";
import type { Manifest, PluginNeeds } from "../core/contract/plugin.ts";
import type { PluginEntry, PluginIndex } from "../core/plugin/catalogue.ts";
import { contractVersion } from "../core/plugin/manifest.ts";
import { tar } from "./archive.ts";
import { type SigningKey, signatureOf } from "./signing.ts";

/** `about.json` beside a plugin's `plugin.ts`. */
export interface About {
  readonly name: string;
  readonly version: string;
  readonly schemes: readonly string[];
  readonly needs: PluginNeeds;
  readonly title?: string;
  /** For each platform, where native files come from: their place in the archive → path below node_modules. Without it, one archive runs anywhere. */
  readonly natives?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The plugin in a folder as one ESM file, which Bun, Node and Deno load alike. */
export async function bundlePlugin(folder: string): Promise<Uint8Array> {
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, "plugin.ts")],
    root: folder,
    target: "node",
    format: "esm",
    minify: true,
    // Bun would write the folders of this machine in their place.
    define: { __dirname: JSON.stringify("/"), __filename: JSON.stringify("/") },
  });
  const [entry, ...others] = outputs;
  if (entry === undefined || others.length > 0) throw new Error(`${folder} bundles to ${outputs.length} files, wanted one`);
  return new Uint8Array(await entry.arrayBuffer());
}

/** Writes the archive of one platform: the same bytes from the same input, wherever it is packed. */
export function packPlugin(
  about: About,
  platform: string,
  files: ReadonlyMap<string, Uint8Array>,
  outFolder: string,
  change: Partial<Manifest> = {},
): PluginEntry {
  const { name, version, schemes, needs, title = name } = about;
  const listed = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const manifest: Manifest = {
    schema: 1,
    name,
    version,
    title,
    contract: contractVersion,
    platform,
    schemes,
    needs,
    entry: "index.js",
    files: Object.fromEntries(listed.map(([path, content]) => [path, { sha256: digest(content), size: content.length }])),
    ...change,
  };
  const head = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const entries = [{ name: "manifest.json", content: head }, ...listed.map(([path, content]) => ({ name: path, content }))];
  // fflate, because the zlib of each runtime and processor compresses a little differently.
  const archive = gzipSync(tar(entries, 0), { level: 9, mtime: 0 });
  const file = `${name}-${version}-${platform}.tgz`;
  writeFileSync(join(outFolder, file), archive);
  const { contract } = manifest;
  const sums = { size: archive.length, sha256: digest(archive), manifest: digest(head) };
  return { name, version, contract, platform, schemes, file, ...sums, needs, title };
}

/** Writes `index.json` and its signature. */
export function writeIndex(folder: string, plugins: readonly PluginEntry[], serial: number, key: SigningKey): void {
  const created = new Date(serial * 1000).toISOString();
  const index: PluginIndex = { schema: 1, serial, created, plugins };
  const bytes = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
  writeFileSync(join(folder, "index.json"), bytes);
  writeFileSync(join(folder, "index.json.sig"), signatureOf(bytes, key));
}

/** The serial number of the index that is there, or 0. */
export function serialOf(folder: string): number {
  try {
    return (JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as PluginIndex).serial;
  } catch {
    return 0;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { About } from "../core/plugin/author/about.ts";
import type { PluginIndex } from "../core/plugin/catalogue.ts";
import { packageFiles } from "./natives.ts";

/** The plugin in a folder, or another entry of it, as one ESM file, which Bun, Node and Deno load alike. */
export async function bundlePlugin(folder: string, entrypoint = "plugin.ts"): Promise<Uint8Array> {
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, entrypoint)],
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

/** What goes into the archive of a first-party plugin for one platform: its code, and its native files from npm packages. */
export async function filesOf(folder: string, { natives, workers = {} }: About, platform: string): Promise<Map<string, Uint8Array>> {
  const files = new Map([["index.js", await bundlePlugin(folder)]]);
  for (const [place, from] of Object.entries(workers)) files.set(place, await bundlePlugin(folder, from));
  for (const [place, from] of Object.entries(natives?.[platform] ?? {})) {
    const [, name = "", path = ""] = /^((?:@[^/]+\/)?[^/]+)\/(.+)$/.exec(from) ?? [];
    for (const content of (await packageFiles(name, [path])).values()) files.set(place, content);
  }
  return files;
}

/** The serial number of the index that is there, or 0. */
export function serialOf(folder: string): number {
  try {
    return (JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as PluginIndex).serial;
  } catch {
    return 0;
  }
}

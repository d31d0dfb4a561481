import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginIndex } from "../core/plugin/catalogue.ts";

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

/** The serial number of the index that is there, or 0. */
export function serialOf(folder: string): number {
  try {
    return (JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as PluginIndex).serial;
  } catch {
    return 0;
  }
}

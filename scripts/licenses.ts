import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./targets.ts";

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The licenses of everything inside the binary, as they ask to be passed on. `inputs` are the bundled files. */
export function licenseText(inputs: readonly string[]): string {
  const bundled = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(path)?.[0]).filter((folder) => folder !== undefined);
  const keyring = join(root, "node_modules/@napi-rs");
  // Native code is embedded as files and Bun is the program around it, so neither is among the bundled modules.
  const folders = [
    ...bundled.map((folder) => join(root, folder)),
    join(root, "node_modules/@duckdb/node-bindings"),
    ...readdirSync(keyring).map((name) => join(keyring, name)),
    join(root, "node_modules/bun"),
  ];
  const sections = [...new Set(folders.map((folder) => join(folder, "package.json")))].map(section).sort();
  return `tidegate contains these packages.\n\n${sections.join("\n")}`;
}

function section(manifest: string): string {
  const { name, version, license = "see its own pages" }: Package = JSON.parse(readFileSync(manifest, "utf8"));
  const files = readdirSync(dirname(manifest), { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|notice|copying)/i.test(entry.name))
    .map((entry) => entry.name);
  const texts = files.map((file) => readFileSync(join(dirname(manifest), file), "utf8").trim());
  return [`${"=".repeat(80)}\n${name} ${version}: ${license}\n`, ...texts.map((text) => `${text}\n`)].join("\n");
}

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type Problem, problem } from "../problem.ts";
import type { PluginIndex } from "./catalogue.ts";
import { readReceipt } from "./install.ts";
import { checkFits, readManifest, verifyFiles } from "./manifest.ts";
import { brief } from "./unpack.ts";

/**
 * Reads every file of an installed plugin again: no more, no fewer and no other than its manifest lists, and the manifest
 * itself the one the signed index knows. Returns how much that proves. @throws PLUGIN_INVALID naming what differs
 */
export function checkInstalled(folder: string, index: PluginIndex | undefined): string {
  const manifest = readManifest(folder);
  checkFits(folder, manifest);
  verifyFiles(folder, manifest);
  const known = new Set([...Object.keys(manifest.files), "manifest.json", "receipt.json"]);
  const extra = filesIn(folder).find((name) => !known.has(name));
  if (extra !== undefined) throw differs(folder, `"${extra}" does not belong to it`);
  const found = createHash("sha256")
    .update(readFileSync(join(folder, "manifest.json")))
    .digest("hex");
  const receipt = readReceipt(folder);
  const files = `${manifest.version}, ${Object.keys(manifest.files).length} files as its manifest lists them`;
  if (receipt === undefined) return `${files}; it was put there by hand, so nobody signed it`;
  const published = index?.plugins.find(
    ({ name, version, platform }) => name === manifest.name && version === manifest.version && platform === manifest.platform,
  );
  if (published === undefined) return `${files}; the index seen last does not have this version, so the manifest itself was not checked`;
  if (published.manifest === found) return `${files}, and the manifest as ${receipt.signer} signed it`;
  throw differs(folder, `its manifest.json has sha256 ${brief(found)}, the signed index says ${brief(published.manifest)}`);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

function differs(folder: string, why: string): Problem {
  return problem("PLUGIN_INVALID", `The plugin in ${folder} is not as it was published: ${why}`, "Remove it and install it again");
}

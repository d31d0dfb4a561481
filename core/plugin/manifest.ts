import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, normalize, sep } from "node:path";
import type { Manifest } from "../contract/plugin.ts";
import { type Problem, problem } from "../problem.ts";

/** The contract this core speaks. */
export const contractVersion = 1;

/** Reads `manifest.json` and checks its shape. No code of the plugin runs. @throws PLUGIN_INVALID naming the field. */
export function readManifest(folder: string): Manifest {
  const manifest = parse(folder);
  const wrong = firstWrong(manifest);
  if (wrong !== undefined)
    throw invalid(folder, `manifest.json ${wrong}`, "Install the plugin again, or ask its author for a complete one");
  return manifest;
}

/** Refuses a plugin made for another contract or platform. @throws PLUGIN_INVALID saying what it is and what is wanted. */
export function checkFits(folder: string, manifest: Pick<Manifest, "contract" | "platform">): void {
  if (manifest.contract !== contractVersion) {
    throw invalid(
      folder,
      `it speaks contract ${manifest.contract}, this tidegate speaks ${contractVersion}`,
      "Install a version of the plugin built for this tidegate",
    );
  }
  if (manifest.platform !== "any" && manifest.platform !== platform()) {
    throw invalid(
      folder,
      `it is built for ${manifest.platform}, this machine is ${platform()}`,
      `Install the plugin's build for ${platform()}`,
    );
  }
}

/** Compares every file with the manifest. @throws PLUGIN_INVALID naming the first that differs. */
export function verifyFiles(folder: string, manifest: Manifest): void {
  for (const [name, { sha256, size }] of Object.entries(manifest.files)) {
    const bytes = readOwn(folder, name);
    const found = createHash("sha256").update(bytes).digest("hex");
    if (bytes.length !== size || found !== sha256) {
      const own = existsSync(join(folder, "about.json"));
      throw invalid(
        folder,
        `"${name}" is not the file that was published (sha256 ${found.slice(0, 12)}…, wanted ${sha256.slice(0, 12)}…)`,
        own ? `If you changed it yourself, run: tidegate plugin pack ${folder}` : "Remove the plugin's folder and install it again",
      );
    }
  }
}

/** This machine as manifests spell it: `linux-x64`, `linux-arm64-musl`, `darwin-arm64`, `windows-x64`. */
export function platform(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `${system}-${process.arch}${system === "linux" && isMusl() ? "-musl" : ""}`;
}

function isMusl(): boolean {
  const header = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return header?.header !== undefined && header.header.glibcVersionRuntime === undefined;
}

function parse(folder: string): Manifest {
  try {
    return JSON.parse(readOwn(folder, "manifest.json").toString("utf8")) as Manifest;
  } catch (cause) {
    throw problem(
      "PLUGIN_INVALID",
      `Cannot read the plugin in ${folder}: manifest.json is missing or not JSON`,
      "Remove the folder, or install the plugin again",
      cause,
    );
  }
}

function firstWrong(manifest: Partial<Manifest> | null): string | undefined {
  if (manifest === null || typeof manifest !== "object") return "is not an object";
  if (manifest.schema !== 1) return `has schema ${JSON.stringify(manifest.schema)}, wanted 1`;
  for (const key of ["name", "version", "entry", "platform"] as const) {
    if (typeof manifest[key] !== "string") return `lacks "${key}"`;
  }
  if (!Array.isArray(manifest.schemes)) return 'lacks "schemes"';
  if (manifest.files === undefined || typeof manifest.files !== "object") return 'lacks "files"';
  if (manifest.files[manifest.entry as string] === undefined) return `does not list its entry "${manifest.entry}" under "files"`;
  return undefined;
}

function readOwn(folder: string, name: string): Buffer {
  const inside = normalize(name);
  if (isAbsolute(inside) || inside.split(sep).includes(".."))
    throw invalid(folder, `"${name}" leads out of its folder`, "Remove the plugin: it is not safe");
  try {
    return readFileSync(join(folder, inside));
  } catch (cause) {
    throw problem("PLUGIN_INVALID", `Cannot load the plugin in ${folder}: "${name}" cannot be read`, "Install the plugin again", cause);
  }
}

function invalid(folder: string, why: string, hint: string): Problem {
  return problem("PLUGIN_INVALID", `Cannot load the plugin in ${folder}: ${why}`, hint);
}

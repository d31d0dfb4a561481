import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Manifest } from "../contract/plugin.ts";
import { Problem, problem } from "../problem.ts";
import type { PluginEntry } from "./catalogue.ts";
import { checkFits, readManifest } from "./manifest.ts";
import { readTar, type TarFile } from "./tar.ts";

const mostManifest = 1 << 20;

/**
 * Unpacks a plugin's archive into an empty folder. The manifest comes first, and every file after it must be one it
 * lists, with that size and hash. @throws PLUGIN_INVALID saying what differs
 */
export async function unpackPlugin(archive: string, folder: string, entry: PluginEntry): Promise<Manifest> {
  const compressed = createReadStream(archive);
  const plain = createGunzip();
  compressed.on("error", (error) => plain.destroy(error));
  let manifest: Manifest | undefined;
  const missing = new Set<string>();
  try {
    for await (const file of readTar(compressed.pipe(plain))) {
      if (manifest === undefined) {
        manifest = await unpackManifest(file, folder, entry);
        for (const name of Object.keys(manifest.files)) missing.add(name);
      } else {
        await unpackFile(file, folder, manifest);
        missing.delete(file.name);
      }
    }
  } catch (error) {
    throw unpackProblem(error, entry);
  } finally {
    compressed.destroy();
    plain.destroy();
  }
  if (manifest === undefined) throw differs("it is empty");
  if (missing.size > 0) throw differs(`it lacks "${[...missing][0]}"`);
  return manifest;
}

async function unpackManifest({ name, size, content }: TarFile, folder: string, entry: PluginEntry): Promise<Manifest> {
  if (name !== "manifest.json") throw differs(`it begins with "${name}", wanted "manifest.json"`);
  if (size > mostManifest) throw differs('its "manifest.json" is larger than 1 MB');
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== entry.manifest) throw differs(`its "manifest.json" has sha256 ${brief(found)}, the index says ${brief(entry.manifest)}`);
  await writeFile(join(folder, name), bytes);
  const manifest = readManifest(folder);
  for (const key of ["name", "version", "platform", "contract"] as const) {
    if (manifest[key] !== entry[key]) throw differs(`its manifest says ${key} "${manifest[key]}", the index says "${entry[key]}"`);
  }
  checkFits(folder, manifest);
  return manifest;
}

async function unpackFile({ name, size, content }: TarFile, folder: string, manifest: Manifest): Promise<void> {
  const wanted = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
  if (wanted === undefined) throw differs(`it holds "${name}", which its manifest does not list`);
  if (wanted.size !== size) throw differs(`"${name}" has ${size} bytes, its manifest says ${wanted.size}`);
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash("sha256");
  const hashed = async function* () {
    for await (const piece of content) {
      hash.update(piece);
      yield piece;
    }
  };
  await pipeline(hashed, createWriteStream(path, { flags: "wx", mode: 0o644 }));
  const found = hash.digest("hex");
  if (found !== wanted.sha256) throw differs(`"${name}" has sha256 ${brief(found)}, its manifest says ${brief(wanted.sha256)}`);
}

/** The first digits of a hash: enough to compare by eye. */
export function brief(sha256: string): string {
  return `${sha256.slice(0, 12)}…`;
}

function differs(why: string): Problem {
  return problem(
    "PLUGIN_INVALID",
    `Cannot unpack the archive: ${why}`,
    "Report it to whoever runs the registry, and do not use the plugin",
  );
}

/** zlib's own errors say that the archive is none. */
function unpackProblem(error: unknown, { file }: PluginEntry): unknown {
  if (error instanceof Problem) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  return /^Z_|^ERR_ZLIB/.test(code) ? differs(`"${file}" is not gzip, or is cut off`) : error;
}

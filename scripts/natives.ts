import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import type { NativeFile } from "../plugins/duckdb/embedded/unpack.ts";
import { npm } from "./run.ts";
import { type Embedded, root, type Target } from "./targets.ts";

/** Native code for one platform, compressed and ready to embed; `packed` are paths on this machine. */
export interface PackedNatives {
  readonly title: string;
  readonly module: string;
  readonly folder: string;
  readonly files: readonly NativeFile[];
}

/**
 * Takes native code from `node_modules`, or from the registry when it is for another platform, and compresses it into `.cache/`.
 * `small` takes the highest level: half a minute for a tenth less. Either is done once per version.
 */
export function packNatives({ embedded }: Target, small: boolean): Promise<PackedNatives[]> {
  return Promise.all(embedded.map((native) => packNative(native, small)));
}

async function packNative(native: Embedded, small: boolean): Promise<PackedNatives> {
  const { version, integrity } = lockedPackage(native.package);
  const name = native.package.replace(/^@/, "").replaceAll("/", "-");
  const level = small ? 19 : 9;
  const cache = join(root, ".cache", "natives", `${name}-${version}-${digest(integrity).slice(0, 12)}-zstd${level}`);
  const list = join(cache, "files.json");
  if (!existsSync(list)) {
    mkdirSync(cache, { recursive: true });
    const content = await packageFiles(native.package, native.files);
    const files = [...content].map(([name, bytes]) => pack(cache, name, bytes, level));
    writeWhole(list, JSON.stringify(files));
  }
  const files: NativeFile[] = JSON.parse(readFileSync(list, "utf8"));
  const id = digest(files.map((file) => file.sha256).join()).slice(0, 12);
  const { title, module } = native;
  return { title, module, folder: `${name}-${version}-${id}`, files: files.map((file) => ({ ...file, packed: join(cache, file.packed) })) };
}

function pack(cache: string, name: string, bytes: Uint8Array, level: number): NativeFile {
  const packed = `${name}.zst`;
  writeWhole(join(cache, packed), zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }));
  return { name, packed, bytes: bytes.length, sha256: digest(bytes) };
}

/** Files of an npm package: from `node_modules`, or, where it is for another platform and so not there, from the registry. */
export async function packageFiles(name: string, paths: readonly string[]): Promise<Map<string, Uint8Array>> {
  const installed = join(root, "node_modules", name);
  if (existsSync(installed)) return new Map(paths.map((path) => [path, readFileSync(join(installed, path))]));
  const { version, integrity } = lockedPackage(name);
  const archive = await new Bun.Archive(download(name, version, integrity)).files();
  const entries = paths.map(async (path) => {
    const file = archive.get(`package/${path}`);
    if (!file) throw new Error(`The package ${name}@${version} holds no ${path}`);
    return [path, await file.bytes()] as const;
  });
  return new Map(await Promise.all(entries));
}

/** Downloads through npm, so that the user's registry and proxy settings hold, and compares with the hash in `bun.lock`. */
function download(name: string, version: string, integrity: string): Uint8Array {
  const folder = join(root, ".cache", "packages");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  if (!existsSync(path)) npm(["pack", `${name}@${version}`, "--pack-destination", folder, "--silent"]);
  const content = readFileSync(path);
  const actual = `sha512-${createHash("sha512").update(content).digest("base64")}`;
  if (actual !== integrity) throw new Error(`The download of ${name}@${version} does not match bun.lock; remove ${path} and try again`);
  return content;
}

function lockedPackage(name: string): { readonly version: string; readonly integrity: string } {
  const lock = readFileSync(join(root, "bun.lock"), "utf8");
  const entry = new RegExp(`^    "${name}": \\["${name}@([^"]+)".*"(sha512-[^"]+)"\\],?$`, "m").exec(lock);
  if (!entry?.[1] || !entry[2]) throw new Error(`bun.lock does not pin ${name}`);
  return { version: entry[1], integrity: entry[2] };
}

/** Two builds may run at once; neither may see half a file. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

function digest(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

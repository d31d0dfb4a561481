import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { tar } from "../core/plugin/author/archive.ts";

/** Packs files without their folders into a `.tar.gz` that is the same byte for byte whoever packs them. */
export function writeArchive(path: string, files: readonly string[], time: number): void {
  const entries = files.map((file) => {
    const name = basename(file);
    return { name, content: readFileSync(file), executable: /^tidegate(\.exe)?$/.test(name) };
  });
  writeFileSync(path, gzipSync(tar(entries, time), { level: 9 }));
}

/** Writes `SHA256SUMS` beside the files, in the form that `sha256sum -c` reads. */
export function writeChecksums(paths: readonly string[], folder = dirname(paths[0] ?? ".")): void {
  const lines = paths.map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${basename(path)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(""));
}

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/** Packs files without their folders into a `.tar.gz` that is the same byte for byte whoever packs them: fixed owner, modes and time (in seconds). */
export function writeArchive(path: string, files: readonly string[], time: number): void {
  const entries = files.map((file) => ({ name: basename(file), content: readFileSync(file) }));
  writeFileSync(path, gzipSync(tar(entries, time), { level: 9 }));
}

/** A tar archive of plain files, in the order given. */
export function tar(entries: readonly { readonly name: string; readonly content: Uint8Array }[], time: number): Buffer {
  const parts = entries.flatMap(({ name, content }) => {
    if (Buffer.byteLength(name) > 100) throw new Error(`The name "${name}" is too long for an archive`);
    const mode = /^tidegate(\.exe)?$/.test(name) ? 0o755 : 0o644;
    return [header(name, mode, content.length, time), content, Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** Writes `SHA256SUMS` beside the files, in the form that `sha256sum -c` reads. */
export function writeChecksums(paths: readonly string[], folder = dirname(paths[0] ?? ".")): void {
  const lines = paths.map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${basename(path)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(""));
}

/** One ustar header: the fields of POSIX.1-1988 at their offsets, then the sum of all bytes. */
function header(name: string, mode: number, size: number, time: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(time, 11), 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148);
  return block;
}

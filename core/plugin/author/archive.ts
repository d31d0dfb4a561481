import { problem } from "../../problem.ts";

/** One plain file of an archive. */
export interface ArchiveFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

/** A tar archive of plain files in the order given, the same byte for byte whoever packs it: fixed owner, modes and time (in seconds). */
export function tar(files: readonly ArchiveFile[], time: number): Buffer {
  const parts = files.flatMap(({ name, content, executable }) => {
    if (Buffer.byteLength(name) > 100)
      throw problem("INPUT_INVALID", `Cannot pack "${name}": its name is longer than 100 bytes`, "Shorten the file's name");
    return [header(name, executable ? 0o755 : 0o644, content.length, time), content, Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
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

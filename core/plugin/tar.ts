import { problem } from "../problem.ts";

/** One file of an archive. Its content must be read to the end before the next file is asked for. */
export interface TarFile {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const block = 512;
/** What may follow the last file: archives are padded, but not for ever. */
const mostPadding = 1 << 20;

/**
 * Reads a ustar archive as it arrives; memory holds one piece at a time. Only plain files with safe relative paths
 * are let through: links, devices, folders, extensions, and a name that comes twice, are refused.
 * @throws PLUGIN_INVALID
 */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const reader = createReader(bytes);
  const seen = new Set<string>();
  for (let head = await reader.exactly(block); head.some((byte) => byte !== 0); head = await reader.exactly(block)) {
    const { name, size } = readHeader(head);
    if (seen.has(name.toLowerCase())) throw damaged(`it holds "${name}" twice`);
    seen.add(name.toLowerCase());
    let left = size;
    const content = async function* () {
      for (; left > 0; ) {
        const piece = await reader.some(left);
        left -= piece.length;
        yield piece;
      }
    };
    yield { name, size, content: content() };
    if (left > 0) throw damaged(`"${name}" was not read to its end`);
    await reader.exactly(-size & (block - 1));
  }
  await reader.padding();
}

function readHeader(head: Uint8Array): { readonly name: string; readonly size: number } {
  const sum = head.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (octal(head, 148, 8) !== sum) throw damaged("a header's checksum does not match");
  const prefix = text(head, 345, 155);
  const name = (prefix === "" ? "" : `${prefix}/`) + text(head, 0, 100);
  const type = text(head, 156, 1);
  if (type !== "" && type !== "0") throw damaged(`"${name}" is ${kinds[type] ?? "no plain file"}`);
  if (!isSafe(name)) throw damaged(`"${name}" leads out of its folder`);
  return { name, size: octal(head, 124, 12) };
}

const kinds: Readonly<Record<string, string>> = { 1: "a link", 2: "a link", 3: "a device", 4: "a device", 5: "a folder", 6: "a pipe" };

/** Relative, and made of names that mean the same on every system. */
function isSafe(name: string): boolean {
  return name.split("/").every((part) => /^[\w@+-][\w.@+-]*$/.test(part) || /^\.[\w@+-][\w.@+-]*$/.test(part));
}

function text(head: Uint8Array, start: number, length: number): string {
  const field = head.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}

function octal(head: Uint8Array, start: number, length: number): number {
  const digits = text(head, start, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw damaged("a header holds no number where one belongs");
  return Number.parseInt(digits, 8);
}

function createReader(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  /** False at the end. */
  const fill = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done) return false;
      rest = next.value;
    }
    return true;
  };
  const some = async (most: number): Promise<Uint8Array> => {
    if (!(await fill())) throw damaged("it ends too early");
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  };
  return {
    some,
    async exactly(length: number): Promise<Uint8Array> {
      const whole = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const piece = await some(length - at);
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
    async padding(): Promise<void> {
      for (let length = 0; await fill(); length += rest.length, rest = rest.subarray(rest.length)) {
        if (length > mostPadding || rest.some((byte) => byte !== 0)) throw damaged("something follows its last file");
      }
    },
  };
}

function damaged(why: string) {
  return problem(
    "PLUGIN_INVALID",
    `Cannot unpack the archive: ${why}`,
    "Report it to whoever runs the registry, and do not use the plugin",
  );
}
